"""The Guide."""

from pathlib import Path

from pages.components.guide.chapters import CHAPTERS
from pages.components.page_frame import MENU
from tests.pages.conftest import OpenPage, text_of

LARGEST = 150_000


def test_there_is_a_chapter_with_a_picture_for_each_page(open_page: OpenPage, shared_data_folder: Path) -> None:
    app = open_page("guide", shared_data_folder)
    assert not app.exception
    *pages, _ = [(script, title) for script, title, _ in MENU]
    assert [(chapter.script, chapter.title) for chapter in CHAPTERS] == pages
    assert all(chapter.question in text_of(app) for chapter in CHAPTERS)
    assert max(chapter.picture.stat().st_size for chapter in CHAPTERS) < LARGEST
