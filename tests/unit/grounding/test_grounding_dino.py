"""GroundingDINO as a detector: phrases stay apart, many of them, thresholds, suppression, cap."""

from types import SimpleNamespace

import numpy as np
import pytest
import tiny_grounding
import torch

from bubo.errors import ModelError
from bubo.grounding.grounding_dino import GroundingDinoDetector
from bubo.grounding.lexicon import Lexicon
from bubo.grounding.pipeline import Grounder
from bubo.types import Regions, same

LOW = {"box_threshold": 0.05, "text_threshold": 0.01}


class ScriptedModel:
    """Answers with given logits per token id and given boxes; remembers its questions."""

    def __init__(self, logits, boxes, max_text_len=256):
        self.logits, self.boxes = logits, boxes  # [(Q,) by token], (Q, 4) cx cy w h
        self.config = SimpleNamespace(max_text_len=max_text_len)
        self.model = SimpleNamespace(special_tokens=torch.tensor([101, 102, 1012, 1029]))
        self.device, self.dtype = torch.device("cpu"), torch.float32
        self.asked = []

    def __call__(self, pixel_values, input_ids, attention_mask, **_):
        ids = input_ids[0].tolist()
        self.asked.append(ids)
        logits = torch.full((1, len(self.boxes), self.config.max_text_len), -torch.inf)
        for position, token in enumerate(ids):
            row = self.logits.get(token, [-9.0] * len(self.boxes))
            logits[0, :, position] = torch.tensor(row)
        return SimpleNamespace(logits=logits, pred_boxes=torch.tensor([self.boxes]))


def ids_of(*words):
    return tiny_grounding.word_tokenizer().convert_tokens_to_ids(list(words))


def logit(probability):
    return float(np.log(probability / (1 - probability)))


def scripted(words, boxes, **settings):
    """A detector whose model gives {word: probability of each query}."""
    table = {ids_of(word)[0]: [logit(p) for p in row] for word, row in words.items()}
    model = ScriptedModel(table, boxes)
    return GroundingDinoDetector(model, tiny_grounding.dino_processor(), **settings)


LEFT, RIGHT, NEAR_LEFT = [0.25, 0.5, 0.2, 0.4], [0.75, 0.5, 0.2, 0.4], [0.26, 0.5, 0.2, 0.4]


def test_each_phrase_is_a_sub_sentence_and_keeps_its_words(picture):
    detector = scripted(
        {"dog": (0.8, 0.1), "traffic": (0.1, 0.6), "light": (0.1, 0.7)}, [LEFT, RIGHT], box_threshold=0.3
    )
    found = detector.detect(picture, ["Dog", "traffic  light"])
    first, stop, last = 101, 1012, 102
    assert detector.model.asked == [[first, *ids_of("dog"), stop, *ids_of("traffic", "light"), stop, last]]
    assert found.labels == ("Dog", "traffic  light")
    np.testing.assert_allclose(found.boxes, [[12, 18, 28, 42], [52, 18, 68, 42]], atol=1e-4)
    # a probability at the threshold is worth one half
    np.testing.assert_allclose(found.scores, [0.5 + 0.5 * 0.5 / 0.7, 0.5 + 0.5 * 0.4 / 0.7], atol=1e-5)


def test_one_word_of_a_phrase_is_not_the_phrase(picture):
    detector = scripted({"traffic": (0.01,), "light": (0.5,)}, [LEFT], box_threshold=0.3, text_threshold=0.3)
    found = detector.detect(picture, ["light", "traffic light"])
    assert found.labels == ("light", "traffic light")
    assert [box[2] > box[0] for box in found.boxes] == [True, False]


def test_a_phrase_that_is_not_there_has_an_empty_box_with_its_best_score(picture):
    found = scripted({"cat": (0.15, 0.02)}, [LEFT, RIGHT], box_threshold=0.3).detect(picture, ["cat"])
    assert found.labels == ("cat",) and not found.boxes.any()
    assert found.scores[0] == pytest.approx(0.25)


def test_overlapping_boxes_of_one_phrase_are_suppressed_and_the_rest_capped(picture):
    words = {"dog": (0.5, 0.6, 0.7), "cat": (0.4, 0.01, 0.01)}
    boxes = [LEFT, RIGHT, NEAR_LEFT]
    found = scripted(words, boxes).detect(picture, ["dog", "cat"])
    assert found.labels == ("dog", "dog", "cat")  # the dog's better box does not cost the cat its own
    assert found.scores[0] > found.scores[1]
    np.testing.assert_allclose(found.boxes[0, 0], 0.16 * picture.width, atol=1e-4)
    assert scripted(words, boxes, nms_iou=0.99).detect(picture, ["dog"]).labels == ("dog",) * 3
    assert scripted(words, boxes, max_boxes=1).detect(picture, ["dog"]).scores.tolist() == [found.scores[0]]


def test_boxes_are_cut_at_the_border(picture):
    found = scripted({"dog": (0.9,)}, [[0.0, 0.0, 0.5, 0.5]]).detect(picture, ["dog"])
    np.testing.assert_allclose(found.boxes, [[0, 0, 20, 15]], atol=1e-4)


@pytest.mark.parametrize("mm", [False, True])
def test_words_of_one_phrase_do_not_see_another(mm, picture):
    detector = GroundingDinoDetector(tiny_grounding.dino(mm), tiny_grounding.dino_processor(), **LOW)
    texts = []
    detector.model.model.text_backbone.register_forward_hook(
        lambda _, __, out: texts.append(out.last_hidden_state[0])
    )
    detector.detect(picture, ["dog", "traffic light"])
    detector.detect(picture, ["red bird", "traffic light"])
    together, other = texts
    torch.testing.assert_close(together[3:5], other[4:6])  # "traffic light", after one word and after two
    assert not torch.allclose(together[1], other[1])


@pytest.mark.parametrize("mm", [False, True])
def test_more_phrases_than_fit_are_asked_prompt_by_prompt(mm, picture):
    model = tiny_grounding.dino(mm, max_text_len=16)
    detector = GroundingDinoDetector(model, tiny_grounding.dino_processor(), **LOW)
    phrases = ["dog", "a small red bird", "the tree", "cat", "traffic light", "a brown boat", "car", "house"]
    prompts = list(detector.prompts(phrases))
    assert len(prompts) > 1 and all(len(prompt.ids) <= 16 for prompt in prompts)
    assert [number for prompt in prompts for number, _, _ in prompt.spans] == list(range(len(phrases)))
    whole = detector.detect(picture, phrases)
    assert dict.fromkeys(whole.labels) == dict.fromkeys(phrases)
    for prompt in prompts:
        group = [phrases[number] for number, _, _ in prompt.spans]
        alone = detector.detect(picture, group)
        part = whole[[number for number, label in enumerate(whole.labels) if label in group]]
        assert same(alone, part)


def test_hundreds_of_phrases_and_one_that_is_too_long(picture):
    detector = scripted({"dog": (0.9,), "cat": (0.9,)}, [LEFT])
    long = " ".join(["dog"] * 400)
    found = detector.detect(picture, ["cat"] * 200 + [long])
    assert found.labels.count("cat") == 200 and found.labels[-1] == long
    asked = detector.model.asked
    assert len(asked) == 3 and all(len(ids) <= 256 for ids in asked)  # 2 x 127 words, and the long one
    assert asked[-1][1:-2] == ids_of("dog") * 253


def test_dots_and_empty_phrases(picture):
    detector = scripted({"dog": (0.9,), "cat": (0.9,)}, [LEFT])
    found = detector.detect(picture, ["", "dog. cat?", " . "])
    assert found.labels == ("dog. cat?",)
    assert detector.model.asked[0].count(1012) == 1 and 1029 not in detector.model.asked[0]
    assert len(detector.detect(picture, [])) == 0 and len(detector.model.asked) == 1


def test_a_foreign_tokenizer_is_refused():
    processor = tiny_grounding.dino_processor()
    specials = {**tiny_grounding.BERT_SPECIALS, ".": 7}
    processor.tokenizer = tiny_grounding.word_tokenizer(specials)
    with pytest.raises(ModelError, match=r"writes '\.' as 7, but the detector separates phrases at \[101"):
        GroundingDinoDetector(tiny_grounding.dino(), processor)


PHRASES = ["dog", "a small red bird", "the tree", "cat", "traffic light", "a brown boat", "car", "house"]


class ByPlace(torch.nn.Module):
    """Chooses queries by what the picture shows, whatever is asked for."""

    def forward(self, vision_hidden_state, *_):
        return vision_hidden_state.mean(-1, keepdim=True)


@pytest.mark.parametrize("mm", [False, True])
def test_together_is_alone_where_phrases_do_not_meet(mm, picture):
    # Phrases meet in the picture's half only: fusion, the choice of queries, the decoder's look at the text.
    # With that shut, what is read at a phrase's own tokens must be what the phrase gives alone.
    model = tiny_grounding.dino(mm)
    with torch.no_grad():
        for name, value in model.named_parameters():
            if name.endswith(("vision_param", "text_param")) or "encoder_attn_text.out_proj" in name:
                value.zero_()
    model.model.encoder_output_class_embed = ByPlace()
    passes = []
    model.register_forward_hook(lambda *_: passes.append(1))
    detector = GroundingDinoDetector(model, tiny_grounding.dino_processor(), **LOW)
    alone = Regions.merge([detector.detect(picture, [phrase]) for phrase in PHRASES])
    assert len(passes) == len(PHRASES)
    together = detector.detect(picture, PHRASES)
    assert len(passes) == len(PHRASES) + 1
    assert together.labels == alone.labels and len(set(together.labels)) == len(PHRASES)
    np.testing.assert_allclose(together.boxes, alone.boxes, atol=1e-3)
    np.testing.assert_allclose(together.scores, alone.scores, atol=1e-5)


def test_the_nouns_of_a_text_take_one_pass(picture):
    model = tiny_grounding.dino()
    passes = []
    model.register_forward_hook(lambda *_: passes.append(1))
    detector = GroundingDinoDetector(model, tiny_grounding.dino_processor(), **LOW)
    grounder = Grounder(None, detector, None, None, Lexicon(), open_vocabulary=True)
    grounder.ground("A dog, a bird, a tree, a cat, a boat, a car and a house.", [picture])
    assert len(passes) == 1
