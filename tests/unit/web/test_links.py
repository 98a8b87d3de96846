from marketplace.web.shared.links import playground_path


def test_playground_opens_with_the_inputs_that_were_given() -> None:
    inputs = {"prompt": "a red star & more", "negative_prompt": "", "seed": 0, "width": None}
    assert playground_path("lumen/icon-hero", inputs) == "/lumen/icon-hero?prompt=a+red+star+%26+more&seed=0"
