"""The tables of docs/models.md: `python -m bubo.cli.model_table` prints them; a test compares."""

import sys

from bubo.cli.sizes import size_of


def table() -> list[str]:
    """A row per shipped preset, then a row per origin of files."""
    from bubo.preset_files import read_presets
    from bubo.presets import needed_bytes

    presets = read_presets()
    lines = ["| preset | what | precision | memory | commercial use |", "|---|---|---|---|---|"]
    for name, preset in presets.items():
        free = not preset.non_commercial
        if isinstance(preset.grounder, str):
            free = free and not presets[preset.grounder].non_commercial
        memory = size_of(needed_bytes(preset, presets))
        use = "yes" if free else "no"
        lines.append(f"| `{name}` | {preset.summary} | {preset.precision} | {memory} | {use} |")
    lines += ["", "| files from | bytes | licence | commercial use | for |", "|---|---|---|---|---|"]
    origins: dict[str, list[tuple[str, int | None, str, bool]]] = {}
    for name, preset in presets.items():
        for file in preset.files:
            place = file.repo or file.url or f"(published nowhere) {file.path}"
            origins.setdefault(place, []).append((name, file.bytes, file.licence, file.non_commercial))
    for place, rows in origins.items():
        known = [number for owner, number, _, _ in rows if owner == rows[0][0]]
        size = size_of(sum(number or 0 for number in known)) if all(known) else "not known here"
        names = ", ".join(dict.fromkeys(f"`{owner}`" for owner, *_ in rows))
        lines.append(f"| {place} | {size} | {rows[0][2]} | {'no' if rows[0][3] else 'yes'} | {names} |")
    return lines


if __name__ == "__main__":
    sys.stdout.write("\n".join(table()) + "\n")
