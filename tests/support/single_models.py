"""Folders of a single model with random weights, as the libraries' own `save_pretrained` writes them.

Torch is imported inside the functions, so that tests of configurations alone do not wait for it.
"""

from pathlib import Path
from typing import Any

CARD = "---\nlicense: apache-2.0\n---\nA small model with random weights.\n"
PROCESSOR = {
    "image_processor_type": "CLIPImageProcessor",
    "do_resize": True,
    "size": {"shortest_edge": 32},
    "do_center_crop": True,
    "crop_size": {"height": 32, "width": 32},
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5],
    "do_convert_rgb": True,
    "resample": 3,
}


def save_matting(folder: Path, **config: Any) -> Path:
    import torch
    from diffusers import UNet2DModel

    torch.manual_seed(1)
    kinds = {"down_block_types": ("DownBlock2D", "DownBlock2D"), "up_block_types": ("UpBlock2D", "UpBlock2D")}
    settings = {"in_channels": 3, "out_channels": 1, "add_attention": False, "norm_num_groups": 4, "sample_size": 32}
    settings |= {"block_out_channels": (8, 16), "layers_per_block": 1}
    return _save(UNet2DModel(**(settings | kinds | config)), folder)


def save_super_resolution(folder: Path, *, upscale: int = 2) -> Path:
    import json

    import torch
    from transformers import Swin2SRConfig, Swin2SRForImageSuperResolution

    torch.manual_seed(2)
    config = Swin2SRConfig(
        image_size=16,
        embed_dim=12,
        depths=[2],
        num_heads=[2],
        window_size=4,
        mlp_ratio=1.0,
        upscale=upscale,
        upsampler="pixelshuffledirect",
    )
    _save(Swin2SRForImageSuperResolution(config), folder)
    (folder / "preprocessor_config.json").write_text(
        json.dumps({"image_processor_type": "Swin2SRImageProcessor", "do_rescale": True, "rescale_factor": 1 / 255})
    )
    return folder


def save_scoring(folder: Path) -> Path:
    import json

    import torch
    from transformers import CLIPConfig, CLIPModel, CLIPTokenizer

    torch.manual_seed(3)
    characters = [*"abcdefghijklmnopqrstuvwxyz"]
    names = ["<|startoftext|>", "<|endoftext|>", *characters, *(f"{letter}</w>" for letter in characters)]
    tokenizer = CLIPTokenizer(
        vocab={name: number for number, name in enumerate(names)},
        merges=[],
        bos_token="<|startoftext|>",
        eos_token="<|endoftext|>",
        pad_token="<|endoftext|>",
        unk_token="<|endoftext|>",
        model_max_length=12,
    )
    tower = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = CLIPConfig(
        text_config=tower
        | {"vocab_size": len(names), "max_position_embeddings": 12, "bos_token_id": 0, "eos_token_id": 1}
        | {"pad_token_id": 1},
        vision_config=tower | {"image_size": 32, "patch_size": 8},
        projection_dim=8,
    )
    _save(CLIPModel(config), folder)
    tokenizer.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(PROCESSOR))
    return folder


def save_image_to_image(folder: Path) -> Path:
    """The pipeline of a text-to-image model, small and random, under the class that starts from a picture."""
    import json

    import torch
    from diffusers import AutoencoderTiny, DPMSolverMultistepScheduler, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel

    save_scoring(folder / "scorer")
    (folder / "tokenizer").mkdir()
    for file in (folder / "scorer").iterdir():
        if file.name.startswith("tokenizer"):
            file.rename(folder / "tokenizer" / file.name)
        else:
            file.unlink()
    (folder / "scorer").rmdir()
    torch.manual_seed(4)
    unet = UNet2DConditionModel(
        sample_size=8,
        in_channels=4,
        out_channels=4,
        block_out_channels=(8, 16),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=16,
        attention_head_dim=2,
        norm_num_groups=4,
    )
    vae = AutoencoderTiny(
        latent_channels=4,
        encoder_block_out_channels=(8, 8, 8, 8),
        decoder_block_out_channels=(8, 8, 8, 8),
        num_encoder_blocks=(1, 1, 1, 1),
        num_decoder_blocks=(1, 1, 1, 1),
    )
    text = CLIPTextConfig(
        vocab_size=54,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=12,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=1,
    )
    for name, part in (("unet", unet), ("vae", vae), ("text_encoder", CLIPTextModel(text))):
        part.save_pretrained(folder / name, safe_serialization=True)
    DPMSolverMultistepScheduler(steps_offset=1).save_pretrained(folder / "scheduler")
    index = {
        "_class_name": "StableDiffusionImg2ImgPipeline",
        "feature_extractor": [None, None],
        "safety_checker": [None, None],
        "image_encoder": [None, None],
        "requires_safety_checker": False,
        "scheduler": ["diffusers", "DPMSolverMultistepScheduler"],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderTiny"],
    }
    (folder / "model_index.json").write_text(json.dumps(index))
    (folder / "README.md").write_text(CARD)
    return folder


def _save(model: Any, folder: Path) -> Path:
    model.save_pretrained(folder, safe_serialization=True)
    (folder / "README.md").write_text(CARD)
    return folder


SAVERS = {
    "image-to-image": save_image_to_image,
    "matting": save_matting,
    "super-resolution": save_super_resolution,
    "scoring": save_scoring,
}
