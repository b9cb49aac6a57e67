"""What a bundle is, for people and for programs: `pagelm inspect`. Nothing is run and no weight is read."""
