"""The Guide: what each page answers, how to bring data, and how to read the results."""

import streamlit as st

from pages.components.guide.chapters import CHAPTERS, DATA, INTERVAL, TASK, Chapter
from pages.components.page_frame import page

TEXTS = (
    ("How do I use my own data?", DATA),
    ("How do I read an interval?", INTERVAL),
    ("Prediction or recognition?", TASK),
)


def show_chapter(chapter: Chapter) -> None:
    with st.container(border=True):
        text, picture = st.columns([2, 3])
        with text:
            st.subheader(chapter.title)
            st.markdown(f"**{chapter.question}**")
            st.markdown(chapter.text)
            st.page_link(chapter.script, label=f"Open {chapter.title}", icon=":material/arrow_forward:")
        picture.image(chapter.picture, width="stretch", alt=chapter.shows)


INTRODUCTION = "What each page is for, how to bring your own data, and how to read the results."

with page("Guide", INTRODUCTION):
    for chapter in CHAPTERS:
        show_chapter(chapter)
    for heading, text in TEXTS:
        st.subheader(heading)
        st.markdown(text)
