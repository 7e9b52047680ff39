"""The words by which attempts to take over a model are known, by family and language.

Plain text is matched: small letters, without accents, blanks made single.  A rule is a chain of
word groups that must follow each other closely within one sentence; each group is one flat
pattern, so that every rule takes linear time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

START_LETTERS: Final = 4


@dataclass(frozen=True, slots=True)
class Rule:
    """Groups of words in their order, and what it means to find them all.

    Args:
        code: stable; the family.
        weight: how much it counts; see `injection.THRESHOLD`.
        groups: each must begin at most `span` characters after the one before ended.
        starts: for each group of which it is known, the first letters of the words that it can
            begin with: a text without any of them is not searched.
        span: that distance, in characters.
    """

    code: str
    weight: float
    groups: tuple[re.Pattern[str], ...]
    starts: tuple[frozenset[str], ...]
    span: int = 48


def _rule(code: str, weight: float, *groups: str, span: int = 48) -> Rule:
    patterns = tuple(re.compile(rf"\b(?:{group})") for group in groups)
    starts = tuple(filter(None, map(_starts, groups)))
    return Rule(code, weight, patterns, starts, span)


def _starts(group: str) -> frozenset[str]:
    """Return how words begin of which a match of the group must have one; empty if unknown."""
    found = set()
    for word in _alternatives(group):
        letters = re.match(r"[a-z]*", word)
        start = letters[0] if letters else ""
        whole = word[len(start) :].startswith((" ", r"\b"))
        if len(start) < START_LETTERS and not whole:
            return frozenset()
        found.add(start[:START_LETTERS])
    return frozenset(found)


def _alternatives(group: str) -> list[str]:
    """Return the alternatives of a pattern, without looking into its brackets."""
    parts = [""]
    depth = 0
    for sign in group:
        depth += (sign == "(") - (sign == ")")
        if sign == "|" and not depth:
            parts.append("")
        else:
            parts[-1] += sign
    return parts


_OLD: Final = (
    "previous|prior|above|earlier|preceding|before|all|any|every|your|the system|the developer"
    "|initial|original|existing|current|everything|anything|whatever|these|those|my last|foregoing"
)
_ORDERS: Final = (
    r"instruct|prompt\b|prompts\b|rule|guideline|direction|command|constraint|restriction|polic"
    r"|programming|training|safeguard|filter|guardrail|safety|context|directive|limitation|told\b"
    r"|said\b|written\b|message|content polic|above\b|before\b|moderation|ethic"
)
_SECRETS: Final = (
    r"system prompt|system message|initial prompt|original prompt|hidden (?:prompt|instruct|rule)"
    r"|(?:your|the) (?:\w+ )?(?:system |initial |original |secret |hidden |internal |full |exact "
    r"|first |base |developer |pre)?(?:prompt|instructions|directives|guidelines|configuration)\b"
    r"|developer (?:message|instruct|prompt)|preamble|(?:text|words|everything|message|content)s? "
    r"(?:that (?:is|was|comes?) )?(?:above|before)\b"
)
_DATA: Final = (
    r"password|api[ _-]?key|secret|credential|token|customer (?:data|record|list|database)"
    r"|database|private|confidential|conversation|chat history|session|environment variable"
    r"|env vars|\.env\b|ssh key|card number|account (?:number|detail|data)|personal data|pii\b"
    r"|user data|system prompt|contact list|inbox|e-?mails?\b|all (?:the )?files"
    r"|(?:file|folder)s?\b"
)

RULES: Final = (
    # Override: take away what the operator said.
    _rule(
        "override",
        1.0,
        (
            r"ignor|disregard|forget|overrid|bypass|neglect|overlook|discard|dismiss|abandon"
            r"|set aside|pay no (?:attention|heed)|do not (?:follow|obey|apply)|don.?t (?:follow"
            r"|obey|apply)|stop (?:follow|obey)|no longer (?:follow|obey|apply|bound)|cancel"
            r"|erase|delete|drop|wipe|reset|nullif|void|supersede|replace|disable|turn off"
            r"|deactivate|skip"
        ),
        _OLD,
        _ORDERS,
        span=24,
    ),
    _rule(
        "override",
        1.0,
        r"ignor|disregard|forget|overrid",
        r"instruct|system prompt|guardrail",
    ),
    _rule(
        "override",
        1.0,
        r"(?:previous|prior|earlier|above|existing|all|your|system|the|these) ",
        (
            r"(?:\w+ )?(?:instruction|rule|guideline|restriction|polic|constraint|prompt|filter"
            r"|safeguard)"
        ),
        (
            r"(?:are|is|have been|has been|were|was) (?:now |hereby |all )?(?:void|cancel|overrid"
            r"|lifted|suspend|superse|revok|replac|disab|obsolete|null|remov|ignored|no longer"
            r"|outdated|delet)"
        ),
        span=24,
    ),
    _rule(
        "override",
        0.6,
        (
            r"(?:new|updated|revised|real|actual|true) (?:\w+ )?(?:instruction|system prompt"
            r"|directive|task|orders?)s?\b ?(?:[:;-]|are|is|follow|from|below)"
        ),
    ),
    _rule(
        "override",
        0.6,
        r"from now on|starting now|henceforth|effective immediately|going forward",
        r"you (?:will|must|are|shall|only|have to|should)|respond|answer|reply|ignore",
    ),
    # German, French, Spanish, Italian, Portuguese, Dutch, Welsh, Polish.
    _rule(
        "override",
        1.0,
        (
            r"ignorier|vergiss|vergessen sie|missacht|uberschreib|umgeh|beachte nicht|verwirf"
            r"|setz\w* dich uber"
        ),
        (
            r"anweis|instruktion|befehl|regel|vorgabe|aufforder|richtlini|systemprompt"
            r"|system-?prompt|prompt|einschrankung|filter|sicherheits|alles (?:davor|zuvor|oben)"
        ),
    ),
    _rule(
        "override",
        1.0,
        (
            r"ignore|oubli|ne (?:tiens|tenez) (?:pas|aucun) compte|fais abstraction"
            r"|faites abstraction|neglige|contourne|outrepasse|passe outre"
        ),
        (
            r"instruction|consigne|directive|regle|ordre|invite systeme|prompt|restriction"
            r"|tout ce qui precede|filtre"
        ),
    ),
    _rule(
        "override",
        1.0,
        (
            r"ignor|olvid|haz caso omiso|haga caso omiso|omite|desobedece|descarta|no (?:sigas"
            r"|hagas caso)|anula"
        ),
        (
            r"instruccion|regla|orden|indicacion|directri|prompt|restriccion|todo lo anterior"
            r"|mensaje|politica|filtro"
        ),
    ),
    _rule(
        "override",
        1.0,
        (
            r"ignor|dimentic|trascur|scorda|non (?:seguire|considerare|tenere conto)|disobbedi"
            r"|scavalca|aggira|bypassa"
        ),
        (
            r"istruzion|regol|ordin|direttiv|indicazion|prompt|restrizion|tutto cio che precede"
            r"|comand|filtr|messagg"
        ),
    ),
    _rule(
        "override",
        1.0,
        r"ignor|esqueca|desconsider|desrespeit|descart",
        r"instruc|regra|ordens|diretri|prompt|restric|tudo (?:o que|acima)|comando",
    ),
    _rule(
        "override",
        1.0,
        r"negeer|vergeet|sla .{0,12}over|omzeil",
        r"instructie|opdracht|regels?\b|aanwijzing|richtlijn|prompt|beperking|alles hiervoor",
    ),
    _rule(
        "override",
        1.0,
        r"anwybydd|anghofi|diystyr|paid (?:a|ag) dilyn|peidi\w+ (?:a|ag) dilyn|hepgor",
        (
            r"\w?c?h?yfarwyddiad|gyfarwydd|cyfarwydd|nghyfarwydd|chyfarwydd|rheol|reol|gorchym"
            r"|orchym|canllaw|ganllaw|neges|anogwr|anogiad|popeth (?:uchod|blaenorol)|cyfyngiad"
        ),
    ),
    _rule(
        "override",
        1.0,
        r"zignoruj|ignoruj|zapomnij|pomin|lekcewaz",
        r"instrukcj|polecen|zasad|regul|prompt|wytyczn|wszystko (?:powyzej|wczesniej)",
    ),
    # Persona: become somebody without rules.
    _rule(
        "persona",
        1.0,
        (
            r"do anything now|dan mode|developer mode (?:enabled|on|activ|v)|god ?mode|jailbr\w*"
            r"|sudo mode|unrestricted (?:ai|mode|assistant|model)|unfiltered (?:ai|mode|assistant"
            r"|model)|uncensored|evil (?:ai|bot|twin|mode)|opposite mode|(?:stan|dude|aim) mode"
            r"|you are (?:now )?dan\b|act as dan\b|root mode|no.?filter mode|maintenance mode"
        ),
    ),
    _rule(
        "persona",
        1.0,
        (
            r"you are (?:now|no longer|going to be|free)|you.?re (?:now|no longer)|act as"
            r"|act like|pretend|role-?play|imagine (?:you|that you)|simulate|become|behave as"
            r"|play the (?:role|part)|take on the (?:role|persona)|assume the (?:role|identity)"
            r"|respond as|answer as|speak as|you must act|enter|switch to|stay in character"
            r"|let.?s play"
        ),
        (
            r"(?:no|without|free (?:of|from)|beyond|ignor\w+|not bound by|bypass\w*|lacks?"
            r"|unbound by|not? (?:have|follow)|has no|have no|doesn.?t (?:have|follow)"
            r"|does not (?:have|follow)) (?:\w+ ){0,2}(?:restrict|rule|filter|limit|guideline"
            r"|constraint|ethic|moral|safety|polic|censor|boundar|guardrail|safeguard|content)"
            r"|unrestricted|unfiltered|uncensored|amoral"
        ),
        span=120,
    ),
    _rule(
        "persona",
        0.8,
        (
            r"(?:no|without|free (?:of|from)|remove|lift|disable|turn off|drop) (?:your |all "
            r"|any |the )?(?:\w+ )?(?:ethical|moral|safety|content) ?(?:\w+ )?(?:restrict|rule"
            r"|filter|limit|guideline|constraint|polic|guardrail|protocol|check|safeguard|mode)"
        ),
    ),
    _rule(
        "persona",
        0.6,
        (
            r"never refuse|cannot refuse|can.?t refuse|must not refuse|do not refuse"
            r"|don.?t refuse|never say (?:no|you can.?t|that you can)|(?:un)?able to refuse"
            r"|refusal is not"
        ),
    ),
    _rule(
        "persona",
        1.0,
        (
            r"du bist (?:jetzt|ab sofort|nun)|tu es (?:maintenant|desormais)|eres ahora"
            r"|ahora eres|sei ora|ora sei|adesso sei|vous etes (?:maintenant|desormais)"
            r"|rwyt ti nawr|rydych chi nawr|stell dir vor|fais comme si|finge|fingi|agis comme"
            r"|actua como|agisci come"
        ),
        (
            r"(?:ohne|keine|sans|aucun\w*|sin|senza|nessun\w*|heb"
            r"|ddim) (?:\w+ ){0,2}(?:einschrank|beschrank|regel|filter|grenz|limit|restric|regle"
            r"|filtre|contrainte|regla|filtro|restrizion|regol|rheol|gyfyng)|dan\b"
        ),
        span=100,
    ),
    # Reveal: give away what the operator wrote.
    _rule(
        "reveal",
        1.0,
        (
            r"reveal|show|print|repeat|output|display|leak|dump|recite|disclose|expose"
            r"|write (?:out|down)|spell out|tell|give|share|list|paste|echo|quote|return|copy"
            r"|translate|encode|summari[sz]e|what (?:is|are|was|were|does)|provide|type out"
            r"|read (?:back|out)|verbatim|extract"
        ),
        _SECRETS,
        span=40,
    ),
    _rule(
        "reveal",
        0.8,
        r"verbatim|word for word|exactly as|in full|raw (?:text|form)|unedited",
        r"system|instruct|prompt|above|configuration|guideline",
    ),
    _rule(
        "reveal",
        1.0,
        (
            r"zeig|verrat|nenn|gib|offenbar|wiederhol|druck|wie lautet|was (?:ist|sind|steht)"
            r"|schreib"
        ),
        (
            r"systemprompt|system-?prompt|system-?(?:anweis|nachricht)|(?:deine|ihre"
            r"|die) (?:\w+ )?(?:anweisung|instruktion|vorgabe|prompt)|geheim\w* (?:anweis|instruk"
            r"|prompt)"
        ),
    ),
    _rule(
        "reveal",
        1.0,
        (
            r"montre|revele|affiche|repete|donne|dis-moi|imprime|divulgue|quel(?:le)?s? (?:est"
            r"|sont)|recopie|traduis"
        ),
        (
            r"prompt systeme|invite systeme|message systeme|instructions systeme|(?:tes"
            r"|vos) (?:\w+ )?(?:instruction|consigne|directive)|prompt (?:initial|cache|secret)"
        ),
    ),
    _rule(
        "reveal",
        1.0,
        (
            r"muestra|revela|ensena|repite|imprime|dime|dame|cual(?:es)? (?:es|son)|escribe"
            r"|divulga|mostra|rivela|ripeti|stampa|dimmi|dammi|qual[ie]? (?:e|sono)|scrivi|mostre"
            r"|revele"
        ),
        (
            r"prompt (?:de|del|di|do) sistema|prompt (?:inicial|iniziale|oculto|nascosto)|(?:tus"
            r"|sus|tue|le tue|suas) (?:\w+ )?(?:instruccion|indicacion|istruzion|regol|instruc)"
            r"|instruc\w+ (?:de|del) sistema|istruzioni (?:di|del) sistema|prompt\b"
            r"|messaggio di sistema|mensaje de(?:l)? sistema"
        ),
    ),
    _rule(
        "reveal",
        1.0,
        r"dangos|datgel|ailadrodd|dywed|beth yw|rho|argraff|ysgrifenn",
        (
            r"anogwr (?:y )?system|anogiad (?:y )?system|(?:dy|eich) (?:g?c?h?yfarwydd|gyfarwydd"
            r"|cyfarwydd|anog|rheol)|system prompt"
        ),
    ),
    # Exfiltration: send it somewhere.
    _rule(
        "exfiltration",
        1.0,
        (
            r"send|forward|post|upload|e-?mail|exfiltrat|transmit|append|leak|submit|copy"
            r"|transfer|include|embed|encode|deliver|push|write|put|attach|call|fetch|export"
            r"|collect|gather"
        ),
        _DATA,
        (
            r"https?[ :]|www\.|\w+@\w+|webhook|url\b|attacker|external (?:server|address|site"
            r"|endpoint)|to (?:this|the following|my|our) (?:\w+ )?(?:address|server|e-?mail"
            r"|endpoint|site|number|account)|\w+\.(?:com|net|org|io|example|test|xyz|evil|ru"
            r"|cn)\b|image (?:url|link|tag)|markdown image|query (?:string|param)"
        ),
        span=90,
    ),
    _rule(
        "exfiltration",
        0.8,
        (
            r"reveal|dump|print|list|show|give me|output|export|exfiltrate|leak|read|tell me"
            r"|return|display|cat\b"
        ),
        (
            r"(?:all |any |every |the |your |stored |other |other users?.? |customers?.? "
            r"|internal )+(?:\w+ )?(?:password|credential|api[ _-]?key|secret|token|private key"
            r"|environment variable|env vars|customer (?:record|data|database)|user data|database"
            r"|card number|connection string|personal (?:data|information))s?\b"
        ),
    ),
    _rule(
        "exfiltration",
        0.8,
        r"!\[[^\]]{0,80}\]\(https?:[^)\s]{0,200}[?{]",
    ),
    # Authority: claim to be somebody who may.
    _rule(
        "authority",
        0.6,
        (
            r"(?:as|i am|i.?m|this is|speaking as) (?:the |your |an? "
            r"|from )?(?:\w+ )?(?:developer|administrator|admin\b|creator|openai|anthropic"
            r"|system owner|operator|root\b|superuser|security team|engineer|it department|ceo\b)"
        ),
        r"you|your|grant|overrid|disable|instruct|access|authori[sz]|need",
    ),
    _rule(
        "authority",
        0.7,
        (
            r"admin(?:istrator)? (?:override|mode|access|command)|system override"
            r"|override (?:code|command|mode|protocol|key|token)|debug mode"
            r"|authori[sz]ation (?:code|level|granted)|security clearance|privileged mode"
            r"|emergency (?:override|protocol)|sudo (?:su|rm|\w+ --)|system (?:notice|alert"
            r"|update|message|command) ?[:!-]|priority (?:override|instruction|command)"
            r"|(?:important|urgent|critical|mandatory|special) (?:\w+ )?(?:instruction|directive"
            r"|notice to|message (?:to|for) (?:the )?(?:ai|assistant|model))"
        ),
    ),
    # Concealment: do it behind somebody's back.
    _rule(
        "concealment",
        0.7,
        r"do not|don.?t|never|without|must not|avoid",
        (
            r"(?:tell|mention|inform|notify|alert|reveal|show|disclos|telling|mentioning"
            r"|informing|notifying|alerting|asking|ask|warn|report)\w* (?:this |it |that "
            r"|any of this )?(?:to )?(?:the |any )?(?:user|customer|human|anyone|anybody|operator"
            r"|owner|reader|recipient|person|confirmation)"
        ),
        span=12,
    ),
    _rule(
        "concealment",
        0.5,
        r"(?:secretly|silently|quietly|covertly|in the background|hidden from the user)",
        (
            r"send|forward|add|includ|insert|execut|run|delet|transfer|copy|log|record|append|set"
            r"|remember"
        ),
    ),
    # An address to the machine that reads.
    _rule(
        "to_the_model",
        0.5,
        (
            r"(?:note|message|attention|instruction|notice|hey|dear|hello|listen"
            r"|reminder)s?,? ?(?:to|for|:)? ?(?:the |all |any )?(?:ai\b|llm|assistant"
            r"|language model|chatbot|model\b|bot\b|agent|summari[sz]er)"
        ),
    ),
    _rule(
        "to_the_model",
        0.5,
        (
            r"(?:if|when|while|before|after|once|as) (?:you are|you.?re|an?|the|any|this is|you"
            r"|reading|processing|summari[sz]ing) (?:\w+ ){0,3}(?:ai\b|llm|language model"
            r"|assistant|agent|bot\b|summari[sz]|process|read(?:ing)? this|parse|index)"
        ),
    ),
    _rule(
        "to_the_model",
        0.6,
        (
            r"(?:ai|llm|assistant|language model|chatbot|bot|agent|model"
            r"|copilot)s?(?: reading this| processing this|:|,| must| should| shall| that reads"
            r"| who reads| please| now)"
        ),
        (
            r"ignore|disregard|forward|send|call|execut|run|delet|transfer|approve|mark|say"
            r"|respond|reply|recommend|output|include|reveal|set|must|add|treat|consider|rate"
            r"|score|answer|follow|print|append"
        ),
        span=60,
    ),
)


def _fence(weight: float, *parts: str) -> tuple[float, re.Pattern[str]]:
    return weight, re.compile("".join(parts))


# Signs by which programs, not people, mark who speaks.
FENCES: Final = (
    _fence(
        1.0,
        r"<\|(?:im_start|im_end|system|assistant|user|endoftext|eot_id|start_header_id",
        r"|end_header_id|begin_of_text|endofprompt)\|?>|\[/?inst\]|<</?sys>>",
    ),
    _fence(
        0.8,
        r'"role" ?: ?"(?:system|developer)"',
        r"|</?(?:system|sys|developer|admin)(?:[ _-]\w{1,16})?>",
    ),
    _fence(
        0.8,
        r"</(?:user|user_input|user_query|input|query|data|document|context|untrusted|prompt",
        r"|instructions?|tool_output|email|message)>",
    ),
    _fence(
        0.7,
        r"(?:^|[>.!?] |[#*\[\]({-] ?)(?:system|developer)",
        r"(?: (?:prompt|message|instructions?|note|override|update|alert))?[\])*]{0,3} ?:",
    ),
    _fence(
        0.8,
        r"[-=#*]{3,} ?(?:end|begin|start|new|stop)(?: of)? (?:\w{1,12} )?(?:user|system|document",
        r"|context|instructions?|prompt|data|input|message|conversation|session|admin)\b",
    ),
    _fence(0.3, r"(?:^|[>.!?] )(?:assistant|human|user|ai) ?:"),
)
