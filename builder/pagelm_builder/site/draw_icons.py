"""Draws the page's icon in the sizes that systems ask for: `python -m pagelm_builder.site.draw_icons`.

From web/favicon.svg into web/app-icons/, by Chromium. The files are kept in the repository, so that a site
needs no browser to be built; whoever changes the SVG runs this.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pagelm_builder.site.locations import find_web
from pagelm_builder.verify.chromium import open_chromium

ICON_FOLDER = "app-icons"


@dataclass(frozen=True, slots=True)
class Icon:
    """One file.

    Args:
        size: Width and height in pixels.
        opaque: Whether it fills its square to the corners, because the system cuts its own shape out of it.
        scale: Of the drawing; what is to be seen must be within 80 % of a maskable icon.
    """

    size: int
    opaque: bool = False
    scale: float = 1.0


ICONS: Mapping[str, Icon] = {
    "192.png": Icon(192),
    "512.png": Icon(512),
    "maskable-512.png": Icon(512, opaque=True, scale=0.8),
    "apple-touch-180.png": Icon(180, opaque=True, scale=0.9),
}
PAGE = """<!doctype html><style>
body {{ margin: 0; background: {background}; display: grid; place-items: center; height: 100vh }}
svg {{ width: {width}px; height: {width}px }}
</style>{svg}"""


def draw_icons(web: Path) -> None:
    """Write all of them.

    Raises:
        pagelm_builder.errors.BrowserError: there is no Chromium.
    """
    svg = (web / "favicon.svg").read_text("utf-8")
    background = svg.partition('fill="')[2].partition('"')[0]
    (web / ICON_FOLDER).mkdir(exist_ok=True)
    with open_chromium() as browser:
        for name, icon in ICONS.items():
            page = browser.new_page(viewport={"width": icon.size, "height": icon.size})
            page.set_content(
                PAGE.format(
                    background=background if icon.opaque else "transparent",
                    width=icon.size * icon.scale,
                    svg=svg,
                )
            )
            page.screenshot(path=web / ICON_FOLDER / name, omit_background=not icon.opaque)
            page.close()


if __name__ == "__main__":
    draw_icons(find_web())
