"""Does an answer decline in words?  Recognised and recorded, never failed.

What is looked for is a person or a machine saying that it will not or cannot give an answer,
near the beginning.  Saying no as an answer ("we cannot refund this") is none, as far as words
tell the two apart.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from seatrial.reliability.checks.linear import Patterns
from seatrial.reliability.checks.texts import unprinted
from seatrial.values.chat import Answer
from seatrial.values.checks import PASSED, Says, Verdict

# Who declines does so at once; later on the words are about something else.
HEAD_CHARS: Final = 400
_REACH_CHARS: Final = 90  # from "I cannot" to what cannot be done

REFUSAL: Final = Verdict(Says.FLAG, "refusal", "The target declined to answer.")


class _Tongue(NamedTuple):
    """How one language declines: the words for not being able, and what is then not done."""

    cannot: tuple[str, ...]
    give: tuple[str, ...]


def declines(answer: Answer) -> bool:
    """Whether a target declined: by its provider's word for it, or in its own words.

    >>> declines(Answer("I'm sorry, but I can't help with that."))
    True
    >>> declines(Answer("I can't recommend the harbour tour enough!"))
    False
    """
    if answer.refused:
        return True
    return bool(answer.text) and not answer.tool_calls and reads_as_refusal(answer.text or "")


def check_refusal(answer: Answer) -> Verdict:
    """Return the flag `refusal` when the target declined."""
    return REFUSAL if declines(answer) else PASSED


def reads_as_refusal(text: str) -> bool:
    """Whether a text declines to answer; its first `HEAD_CHARS` decide."""
    small = text[:HEAD_CHARS].casefold()
    if not _MAY_DECLINE.may_hold(small):
        return False  # as nearly all do
    head = _plain(small)
    if not head or head[0] in "{[<`":
        return False  # data and code speak for others
    if _declines_in_english(head):
        return True
    words = unprinted(head)
    if words.isascii() and _OPENINGS.isdisjoint(words.split()):
        return False  # as in nearly all that is English
    return any(_declines_in(tongue, head) for tongue in _TONGUES)


# Said in full, so that one spelling of each is looked for.
_SPELLINGS: Final = (
    ("’", "'"), ("can not", "cannot"), ("can't", "cannot"), ("won't", "will not"),
    ("i'm", "i am"), ("we're", "we are"), ("it's", "it is"), ("isn't", "is not"),
    ("don't", "do not"), ("wouldn't", "would not"), ("i'd", "i would"),
)  # fmt: skip


def _plain(small: str) -> str:
    head = " ".join(small.split()).lstrip("*_#> ")
    if "'" not in head and "’" not in head and "can not" not in head:
        return head
    for written, full in _SPELLINGS:
        if written in head:
            head = head.replace(written, full)
    return head


# Without one of these nobody declines in English.
_ENGLISH_SIGNS: Final = ("not", "unable", "decline", "refuse", "against my")
_UNABLE: Final = re.compile(
    # Patterns that begin with a letter, not with \b, are searched for much faster.
    r"(?P<who>i(?<!\wi)|we(?<!\wwe))(?: am| are| have| do| must| would| will)?(?: [a-z]+,?){0,2}? "
    r"(?:(?P<done>(?:must|have to|need to)(?: [a-z]+)? (?:decline|refuse)|(?:decline|refuse) to"
    r"|not (?:feel )?comfortable|not have (?:access|permission|the ability|the capability)"
    r"|not (?:permitted|allowed|programmed|designed|authori[sz]ed))"
    r"|cannot|unable to|not able to|will not|not going to|not be able to|not in a position to"
    r"|not capable of)\b"
)
_GIVE: Final = re.compile(
    r"\b(?:help|assist|answer|fulfil|comply|respond|satisfy|do th(?:at|is)\b|continue with|engage"
    r"|participate|support|complete (?:this|that|your)"
    # A house may say of these what it does not do: with "we" they decide nothing.
    r"|(?P<things>advi[cs]e|assum|condon|creat|describ|disclos|discuss|encourag|endors|explain"
    r"|facilitat|generat|giv|guid|instruct|make assumptions|offer|produc|promot|provid|reveal"
    r"|shar|speculat|suggest|teach|tell you|writ))"
)
_UNFITTING: Final = re.compile(
    r"(?:not(?<!\wnot)|never(?<!\wnever)) (?:[a-z]+,? ){0,3}?(?:appropriate|ethical|acceptable"
    r"|respectful|right|safe)[^.!?]{0,40}? to (?:answer|ask|assign|assist|deny|discuss|encourag"
    r"|engag|giv|help|mak|offer|promot|provid|shar|speculat|suggest)"
)
_OWN_RULES: Final = re.compile(
    r"against my(?<!\wagainst my) (?:\w+ )?(?:guidelines|instructions|polic|principles"
    r"|programming|rules|values)"
)
# "I cannot say this often enough", and help that follows at once.
_TURNS: Final = re.compile(
    r"\benough\b|\b(?:but|however),? here\b|\b(?:but|however),? i (?:can|could|will) (?:describe"
    r"|explain|give|offer|outline|say|show|still|suggest|tell)(?![^.!?]*(?:\belse|\bother))"
)


# Who says that a question rests on nothing has answered it.
_NO_GROUND: Final = re.compile(
    r"no(?<!\wno)(?:t (?:a )?(?:factually coherent|make (?:any )?sense|exist\b|real\b)| such )"
)


def _declines_in_english(head: str) -> bool:
    if not any(map(head.__contains__, _ENGLISH_SIGNS)) or _NO_GROUND.search(head):
        return False
    for found in _UNABLE.finditer(head):
        if head[: found.start()][-1:] in {'"', "“", "'", "«"}:
            continue
        rest = _sentence(head, found.end())
        after = _sentence(head, found.end() + len(rest) + 2)
        if _TURNS.search(f"{rest} {after}"):
            continue
        if found["done"]:
            return True
        given = _GIVE.search(rest)
        if given is not None and (found["who"] == "i" or not given["things"]):
            return True
    first = _sentence(head, 0)
    return bool(_UNFITTING.search(first) or _OWN_RULES.search(head))


def _sentence(head: str, start: int) -> str:
    """Return what follows in the same sentence, as far as it matters."""
    rest = head[start : start + HEAD_CHARS]
    ends = [place for place in map(rest.find, (". ", "! ", "? ")) if place >= 0]
    return rest[: min(ends)] if ends else rest


def _declines_in(tongue: _Tongue, head: str) -> bool:
    for words in tongue.cannot:
        place = head.find(words)
        if place >= 0:
            rest = head[place : place + len(words) + _REACH_CHARS]
            if any(each in rest for each in tongue.give):
                return True
    return False


_TONGUES: Final = (
    _Tongue(  # Welsh
        ("ni allaf", "ni allwn", "alla i ddim", "allaf i ddim", "ni fedraf", "fedra i ddim",
         "nid wyf yn gallu", "dydw i ddim yn gallu", "dwi ddim yn gallu", "rwy'n methu",
         "nid oes modd i mi", "ni fyddaf yn"),
        ("helpu", "gynorthwyo", "cynorthwyo", "ateb", "ddarparu", "darparu", "roi ", "rhoi ",
         "rannu", "rhannu", "drafod", "trafod", "wneud hynny", "gwneud hynny", "cefnogi"),
    ),
    _Tongue(  # French
        ("je ne peux pas", "je ne peux malheureusement pas", "je ne suis pas en mesure",
         "je ne suis pas autoris", "je ne saurais", "il m'est impossible", "je refuse de",
         "je dois refuser", "je ne pourrai pas"),
        ("aider", "assister", "répondre", "fournir", "donner", "satisfaire", "partager", "refus",
         "discuter", "faire cela", "conseiller", "expliquer", "encourager", "aborder"),
    ),
    _Tongue(  # German
        ("ich kann", "kann ich", "ich darf", "darf ich", "ich möchte", "ich bin nicht in der lage",
         "es ist mir nicht möglich"),
        ("nicht helfen", "nicht weiterhelfen", "nicht behilflich", "nicht beantworten",
         "nicht unterstützen", "nicht bereitstellen", "nicht geben", "nicht erfüllen",
         "nicht nachkommen", "keine auskunft", "keine anleitung", "keine informationen",
         "keine hilfe", "keine ratschläge", "nicht dabei helfen", "nicht möglich", "zu helfen",
         "zu beantworten", "bereitzustellen", "zu geben", "nicht antworten"),
    ),
    _Tongue(  # Spanish
        ("no puedo", "no podré", "no me es posible", "no estoy en condiciones",
         "no me está permitido", "no soy capaz de"),
        ("ayudar", "asistir", "responder", "proporcionar", "ofrecer", "brindar", "dar ", "darte",
         "darle", "cumplir", "compartir", "hacer eso", "hablar de", "explicar", "contestar"),
    ),
    _Tongue(  # Italian
        ("non posso", "non sono in grado", "non mi è possibile", "non potrò"),
        ("aiutar", "assister", "risponder", "fornir", "offrir", "dare ", "darti", "darle",
         "soddisfar", "condivider", "farlo", "discuter", "spiegar"),
    ),
    _Tongue(  # Portuguese
        ("não posso", "não consigo", "não poderei", "não estou em condições", "não me é possível",
         "não sou capaz de"),
        ("ajudar", "ajudá", "responder", "fornecer", "oferecer", "dar ", "atender", "cumprir",
         "partilhar", "compartilhar", "fazer isso", "discutir", "explicar", "auxiliar"),
    ),
    _Tongue(  # Dutch
        ("ik kan", "kan ik", "ik mag", "mag ik", "ik ben niet in staat"),
        ("niet helpen", "niet mee helpen", "niet beantwoorden", "niet geven", "geen informatie",
         "geen antwoord", "geen advies", "geen hulp", "te helpen", "te geven", "te beantwoorden",
         "niet voldoen", "niet verstrekken"),
    ),
    _Tongue(  # Polish
        ("nie mogę", "nie jestem w stanie", "nie mogłbym"),
        ("pomóc", "odpowiedzieć", "udzielić", "udostępnić", "podać", "spełnić", "dostarczyć",
         "tego zrobić", "doradzić"),
    ),
    _Tongue(  # Russian and Ukrainian
        ("я не могу", "не могу", "я не в состоянии", "я не имею возможности", "я не можу",
         "не можу"),
        ("помочь", "помогать", "ответить", "отвечать", "предостав", "выполнить", "обсуждать",
         "дать ", "допомогти", "відповісти", "надати", "делиться"),
    ),
    _Tongue(  # Chinese
        ("我无法", "我不能", "我没办法", "無法", "我无权", "我不會", "不便"),
        ("帮助", "提供", "回答", "协助", "满足", "回应", "讨论", "分享", "幫助",
         "協助", "幫忙", "帮忙", "帮您", "帮你"),
    ),
    _Tongue(  # Japanese: what is not done stands before the not
        ("申し訳", "すみません", "恐れ入りますが", "残念ながら", "そのご要望", "そのような",
         "ご質問", "その質問"),
        ("できません", "できかねます", "いたしかねます", "お答えでき", "お手伝いでき",
         "控えさせて"),
    ),
    _Tongue(  # Arabic
        ("لا أستطيع", "لا يمكنني", "لن أتمكن", "لست قادر"),
        ("مساعدت", "المساعدة", "تقديم", "الإجابة", "توفير", "الرد", "تلبية", "مشاركة"),
    ),
)  # fmt: skip
# In ASCII alone, nobody declines in them without one of these words.
_OPENINGS: Final = frozenset(
    words.split()[0] for tongue in _TONGUES for words in tongue.cannot if words.isascii()
)

# Without one of these nobody declines; in the beginning of a text as it was written, but for case.
_BLANK: Final = "[\t-\r\x1c- \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"
_NOT: Final = "(?:not|n['’]t|never)"
_FITTING: Final = "appropriate|ethical|acceptable|respectful|right|safe"
_WHO: Final = r"(?-u:\b)(?:i|we)(?:['’][a-z]+)?"
_MAY_DECLINE: Final = Patterns(
    (
        rf"{_WHO}(?:{_BLANK}+[a-z'’]+,?){{0,4}}{_BLANK}+(?:[a-z]*{_NOT}|unable)",
        rf"{_WHO}(?:{_BLANK}+[a-z'’]+,?){{0,6}}{_BLANK}+(?:decline|refuse)",
        rf"{_NOT}{_BLANK}+(?:[a-z'’]+,?{_BLANK}+)*(?:{_FITTING})",
        rf"against{_BLANK}+my",
        *(
            words.replace(" ", f"{_BLANK}+").replace("'", "['’]")
            for tongue in _TONGUES
            for words in tongue.cannot
        ),
    )
)
