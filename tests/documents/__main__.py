"""Make anew what documents take from the project's data: `python -m tests.documents`."""

from deploy.catalog import VARIANTS
from tests.documents import openapi, scale_outs
from tests.documents.drawing import drawing, path_of
from tests.documents.overview import PATH, overview
from tests.documents.summary import README, with_summary


def main() -> None:
    """Write what is stale, and say what was."""
    made = {README: with_summary(README.read_text(encoding="utf-8"), VARIANTS)}
    made[PATH] = overview(VARIANTS)
    made[openapi.PATH] = openapi.openapi()
    lab = scale_outs.PATH.read_text(encoding="utf-8")
    made[scale_outs.PATH] = scale_outs.with_table(lab, scale_outs.recorded())
    made |= {path_of(variant): drawing(variant) for variant in VARIANTS}
    for path, text in made.items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"wrote {path}")  # noqa: T201  a command's output


if __name__ == "__main__":
    main()
