"""What `pagelm export` reads: checkpoint folders and GGUF files, each as the same four things."""
