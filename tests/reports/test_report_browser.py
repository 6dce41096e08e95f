"""The page in a real browser: it draws, answers, makes no error, and asks nothing of a network."""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from run_folders import HOSTILE, entry, losses, write_analysis, write_classes, write_run

from fcmae.reports.page import page
from fcmae.reports.read import read_runs

webdriver = pytest.importorskip("selenium.webdriver")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
WIDTHS = [pytest.param(1400, id="desktop"), pytest.param(390, id="phone")]

pytestmark = pytest.mark.skipif(
    CHROMIUM is None or DRIVER is None, reason="needs Chromium and its driver (Debian's packages)"
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    root = tmp_path_factory.mktemp("runs")
    first = write_run(root / "slow")
    second = write_run(root / "<img src=x onerror='window.hacked=true'>", seed=1, finished=False)
    third = write_run(root / "third", seed=2, options={"data": HOSTILE}, evaluated="val/top1")
    write_classes(first)
    write_analysis(third, [entry(title=HOSTILE)])
    path = root / "report.html"
    path.write_text(page(read_runs([first, second, third])), encoding="utf-8")
    return path.as_uri()


@pytest.fixture(params=WIDTHS)
def opened(request: pytest.FixtureRequest, browser: Any, address: str) -> Any:
    """The page, newly loaded at a width."""
    metrics = {"width": request.param, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    browser.get(address)
    until(lambda: len(found(browser, ".plot .main-svg")) > 0)
    return browser


def until(holds: Callable[[], object]) -> None:
    """Wait for the page to do something; the timeout of a test ends what never comes."""
    while not holds():
        time.sleep(0.05)


def found(browser: Any, selector: str) -> list[Any]:
    return list(browser.find_elements("css selector", selector))


def one(browser: Any, selector: str) -> Any:
    (element,) = found(browser, selector)
    return element


def press(browser: Any, element: Any, *keys: str) -> None:
    """Use the keyboard alone."""
    browser.execute_script("arguments[0].focus()", element)
    element.send_keys(*keys)


def test_a_curve_tells_its_value_under_the_pointer(opened: Any) -> None:
    plot = one(opened, "#chart-loss")
    opened.execute_script("arguments[0].scrollIntoView({block: 'center'})", plot)
    chains = webdriver.ActionChains(opened)
    chains.move_to_element(one(opened, "#chart-loss .nsewdrag")).perform()
    until(lambda: found(opened, "#chart-loss .hoverlayer text"))
    said = " ".join(text.text for text in found(opened, "#chart-loss .hoverlayer text"))
    assert "slow" in said
    steps = [step for step in range(1, 41) if f"step {step}" in said.split("slow")[1]]
    assert f"{losses(0, 40)[max(steps) - 1]:.5g}" in said


def test_a_run_can_be_switched_off_and_on(opened: Any) -> None:
    lines = "#chart-loss .scatterlayer .trace"
    columns = "#final ~ .scroll thead th"
    assert len(found(opened, lines)) == 3
    press(opened, one(opened, "[data-toggle='1']"), " ")
    until(lambda: len(found(opened, lines)) == 2)
    assert [x.is_displayed() for x in found(opened, columns)] == [True, True, False, True]
    assert not one(opened, "#run-1").is_displayed()
    assert not one(opened, "#distance-1").is_displayed()
    press(opened, one(opened, "[data-toggle='1']"), " ")
    until(lambda: len(found(opened, lines)) == 3)
    assert one(opened, "#run-1").is_displayed()


def test_the_slider_goes_through_the_epochs(opened: Any) -> None:
    series = found(opened, ".series:has(input)")[0]
    slider, output = (series.find_element("css selector", x) for x in ("input", "output"))

    def shown() -> list[str]:
        images = series.find_elements("css selector", "img")
        return [x.get_attribute("data-epoch") for x in images if x.is_displayed()]

    assert (output.text, shown()) == ("8", ["8"])
    press(opened, slider, "\ue012")  # the left arrow
    assert (output.text, shown()) == ("4", ["4"])
    press(opened, slider, "\ue011")  # home
    assert (output.text, shown()) == ("1", ["1"])
    assert slider.get_attribute("aria-valuetext") == "epoch 1"


def test_dark_and_light_are_readable(opened: Any) -> None:
    def brightness(element: Any, name: str) -> float:
        colour = element.value_of_css_property(name)
        return sum(float(x) for x in colour.strip("rgba()").split(",")[:3]) / 3

    body, tick = one(opened, "body"), found(opened, "#chart-loss .xtick text")[0]
    assert brightness(body, "background-color") > brightness(tick, "fill") + 120
    press(opened, one(opened, "#theme"), " ")
    tick = found(opened, "#chart-loss .xtick text")[0]
    assert brightness(body, "background-color") < brightness(tick, "fill") - 120
    assert one(opened, "#theme").get_attribute("aria-pressed") == "true"


def test_curves_go_over_steps_and_logarithms_too(opened: Any) -> None:
    press(opened, one(opened, "#axis"), "s")
    until(lambda: one(opened, "#chart-loss .xtitle").text == "step")
    press(opened, one(opened, "#logarithmic"), " ")
    kind = "return document.getElementById('chart-loss').layout.yaxis.type"
    assert opened.execute_script(kind) == "log"


def test_the_page_is_no_wider_than_the_window(opened: Any) -> None:
    widths = "const e = document.documentElement; return [e.scrollWidth, e.clientWidth]"
    wide, window = opened.execute_script(widths)
    assert wide <= window


def test_there_is_no_error_no_network_and_no_foreign_script(opened: Any) -> None:
    assert opened.get_log("browser") == []
    assert opened.execute_script("return window.hacked") is None
    events = [json.loads(line["message"])["message"] for line in opened.get_log("performance")]
    asked = [
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
        and event["params"]["documentURL"].startswith("file://")
    ]
    assert asked
    assert all(url.startswith(("file://", "data:")) for url in asked)
