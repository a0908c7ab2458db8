"""Every figure of the Evaluation page says whether it is of prediction or of recognition."""

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.components.evaluation.analyses import ANALYSES
from socal_core.runs.files.earliness_record import EARLINESS
from socal_core.workspace import runs_root
from tests.made_runs import write_run
from tests.made_target_runs import NUMBER, write_target_dataset, write_target_run
from tests.pages.conftest import OpenPage, text_of
from tests.pages.test_earliness import made_for


def titles_of(app: AppTest) -> list[str]:
    return [json.loads(element.proto.spec)["layout"]["title"]["text"] for element in app.get("plotly_chart")]


@pytest.mark.slow
@pytest.mark.parametrize(("window", "task"), [("0:60", "prediction"), ("whole", "recognition")])
def test_all_figures_name_the_task(open_page: OpenPage, shared_data_folder: Path, window: str, task: str) -> None:
    run = write_run(runs_root() / "run", shared_data_folder, test_fraction=0.4, skill=0.2, window=window)
    app = open_page("evaluation", shared_data_folder)
    assert f"The figures of this page are of *{task}*" in text_of(app)
    seen = 0
    for name in [None, *ANALYSES]:
        if name:
            app.segmented_control(key="analysis").set_value(name).run()
        titles = titles_of(app)
        assert all(title.endswith(f" · {task}") for title in titles), titles
        seen += len(titles)
    assert seen >= 2 * len(ANALYSES) + 2
    if window == "0:60":
        EARLINESS.write(run.path, made_for(run))
        assert all(title.endswith(" · prediction") for title in titles_of(app.run()))


@pytest.mark.slow
def test_figures_of_other_targets_name_the_task(open_page: OpenPage, tmp_path: Path) -> None:
    data = write_target_dataset(tmp_path / "data")
    run = write_target_run(runs_root() / "run", data, NUMBER)
    titles = titles_of(open_page("evaluation", data))
    assert len(titles) == 2
    assert all(title.endswith(f" · {run.read_metrics()['task']}") for title in titles)
