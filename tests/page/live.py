"""The live lesson as it lies on the page, and what Python makes of the same."""

import hashlib
import re

import numpy as np
import pytest
from clones import Clone
from playwright.sync_api import Page

from softmax.core import model
from softmax.core.data import Dataset
from softmax.lesson import plane
from softmax.pipeline import params
from softmax.pipeline.params import Lesson


@pytest.fixture(name="lecture")
def _lecture(pipeline: Clone) -> Lesson:
    return params.load(pipeline.folder / params.PATH).lesson


def in_python(data: Dataset, chosen: Lesson) -> str:
    """The SHA-256 of the weights that Python gets."""
    return hashlib.sha256(model.to_bytes(plane.fit(data, chosen)[-1].theta)).hexdigest()


def in_the_page(page: Page) -> str:
    """The SHA-256 of the weights that the page gets."""
    return page.locator("#lesson-hash").text_content() or ""


def points(page: Page, data: Dataset) -> Dataset:
    """`data` as it now lies on the page."""
    places = page.locator(".point").evaluate_all(
        "(points) => points.map((point) => point.getAttribute('transform'))"
    )
    numbers = [re.findall(r"-?\d+", place) for place in places]
    return data._replace(images=np.array(numbers, np.int16) * [1, -1])


def changes(page: Page) -> list[str]:
    """What the page says differs from the training of the pipeline."""
    return page.locator("#lesson-changes li").all_inner_texts()
