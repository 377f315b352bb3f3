"""The kinds of `bubo convert`, by themselves: listing them must not import torch."""

#: Kind -> "module:function" that does it, and what it converts.
KINDS: dict[str, tuple[str, str]] = {
    "imagebind": (
        "bubo.models.imagebind.convert_imagebind:convert_imagebind",
        "imagebind_huge.pth, all six modalities",
    ),
    "bubogpt": (
        "bubo.models.bubo.convert_bubo:convert_bubogpt",
        "a folder with BuboGPT's files and its language model",
    ),
    "vicuna": (
        "bubo.models.delta:convert_delta",
        "a delta of Vicuna, to be added to its base (--with base=FOLDER)",
    ),
    "grounding-dino": (
        "bubo.models.grounding_dino.convert_grounding_dino:convert_grounding_dino",
        "groundingdino_swint_ogc.pth or _swinb_cogcoor.pth",
    ),
    "sam": ("bubo.models.sam_pil.convert_sam:convert_sam", "sam_vit_h_4b8939.pth, _l_ or _b_"),
    "ram": (
        "bubo.models.ram.convert_ram:convert_ram",
        "ram_swin_large_14m.pth or ram_plus_swin_large_14m.pth, taggers",
    ),
}
