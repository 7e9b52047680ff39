"""The English words by which attempts to take over a model are known, by family.

Plain text is matched, as `injection_views.plain` makes it: small letters, single blanks, no
accents and no apostrophes in "dont" and its kin.
"""

from __future__ import annotations

import re
from typing import Final

from seatrial.reliability.checks.injection_rules import Rule, rule

_OLD: Final = (
    "previous|prior|above|earlier|preceding|before|all|any|every|your|the system|the developer"
    "|initial|original|existing|current|everything|anything|whatever|these|those|my last|foregoing"
)
_ORDERS: Final = (
    r"instruct|prompts?\b|rule|guideline|direction|command|constraint|restriction|polic"
    r"|programming|training|safeguard|filter|guardrail|safety|context|directive|limitation"
    r"|told\b|said\b|written\b|message|above\b|before\b|moderation|ethic"
)
_RULES_OF: Final = (
    r"(?:rule|guideline|restriction|polic|safeguard|guardrail|filter|safety|limitation"
    r"|constraint|instruction|protocol|prompt|moderation)\w*"
)
_SECRETS: Final = (
    r"system prompt|system message|system instruction|initial prompt|original prompt"
    r"|hidden (?:prompt|instruct|rule)|developer (?:message|instruct|prompt)|preamble"
    r"|(?:your|the) (?:\w+ ){0,2}(?:prompt|instructions|directives|guidelines|configuration)\b"
    r"|(?:text|words|everything|message|content)s? (?:that (?:is|was|comes?) )?(?:above|before)\b"
)
_DATA: Final = (
    r"password|api key|api_key|api-key|apikey|secret|credential|token|database|private"
    r"|customer (?:data|record|list|database)|confidential|conversation|chat history|session"
    r"|environment variable|env vars|ssh key|card number|account (?:number|detail|data)"
    r"|personal data|pii\b|user data|system prompt|contact list|inbox|emails?\b|e-mails?\b"
    r"|files\b|folders?\b|report\b|summary\b|results?\b|list\b|records?\b|contents?\b"
    r"|history\b|logs?\b"
)
_PLACES: Final = (
    r"https?[ :]|www\.|\w+@\w+|webhook|url\b|attacker|external (?:server|address|site|endpoint)"
    r"|to (?:this|the following|my|our) (?:\w+ )?(?:address|server|e-?mail|endpoint|site|number)"
    r"|image (?:url|link|tag)|markdown image|query (?:string|param)"
)

_OVERRIDE: Final = (
    rule(
        "override",
        1.0,
        "ignor|disregard|forget|overrid|bypass|neglect|overlook|discard|dismiss|abandon|set aside"
        "|pay no (?:attention|heed)|do not (?:follow|obey|apply)|dont (?:follow|obey|apply)"
        "|stop (?:follow|obey)|no longer (?:follow|obey|apply|bound)|cancel|erase|delete|drop|wipe"
        "|reset|nullif|void|supersede|replace|disable|turn off|deactivate|skip",
        _OLD,
        _ORDERS,
        span=24,
        rare=(0, 1, 2),
    ),
    rule(
        "override",
        1.0,
        "ignor|disregard|forget|overrid",
        "instruct|system prompt|guardrail|content polic|usage polic",
    ),
    rule(
        "override",
        1.0,
        _RULES_OF,
        r"(?:are|is|have been|has been|were|was) (?:now |hereby |all )?(?:void|cancel|overrid"
        r"|lifted"
        r"|suspend|superse|revok|disab|obsolete|null|remov|ignored|no longer|outdated|delet|deactiv"
        r"|bypass|off\b)|(?:do not|dont|no longer|does not|doesnt|did not) (?:really )?appl"
        r"|(?:have|has) (?:now |all )?(?:changed|been (?:changed|updated|replaced|reset|disabled"
        r"|lifted|removed|suspended))|disabled|deactivated|lifted|suspended",
        span=30,
        rare=(0, 1),
    ),
    rule(
        "override",
        1.0,
        r"exempt from|exempted from|not subject to|not bound by|unbound by|above the",
        r"(?:the |any |all |your |these |usual |normal )*" + _RULES_OF,
        span=12,
    ),
    rule("override", 1.0, r"ignore(?:all)?(?:the)?(?:previous|prior|above|your)\w{0,4}instruction"),
    rule(
        "override",
        0.6,
        r"(?:new|updated|revised|real|actual|true) (?:\w+ )?(?:instruction|system prompt|directive"
        r"|task|order)s?\b ?(?:[:;-]|are|is|follow|from|below)",
    ),
    rule(
        "override",
        0.6,
        "from now on|starting now|henceforth|effective immediately|going forward",
        r"you (?:will|must|are|shall|only|have to|should)|respond|answer|reply|ignore",
    ),
    rule(
        "override",
        0.4,
        r"you (?:may|can|must|will|are allowed to|are free to|are able to) now\b"
        r"|you now (?:allow|may|can|must|have|obey|are)",
    ),
)
_PERSONA: Final = (
    rule(
        "persona",
        1.0,
        r"do anything now|dan mode|developer mode (?:enabled|on|activ|v)|god ?mode|jailbr"
        r"|sudo mode|unrestricted (?:ai|mode|assistant|model|respon|answer|access)"
        r"|unfiltered (?:ai|mode|assistant|model|respon|answer)|uncensored|evil (?:ai|bot|twin"
        r"|mode)"
        r"|opposite mode|(?:stan|dude|aim) mode|you are (?:now )?dan\b|act as dan\b|root mode"
        r"|no filter mode|no-filter mode|maintenance mode",
    ),
    rule(
        "persona",
        1.0,
        r"you are|youre|act as|act like|pretend|role-?play|imagine (?:you|that you)|simulate|become"
        r"|behave as|play the (?:role|part)|take on the (?:role|persona)|assume the (?:role"
        r"|identity)"
        r"|respond|answer|reply|speak as|enter|switch to|stay in character|lets play|from now on"
        r"|you have|write as|continue as|story|novel|character|game|scenario|world|grandm",
        r"(?:no|without|free (?:of|from)|beyond|ignor\w+|not bound by|bypass\w*|lacks?|unbound by"
        r"|not (?:have|follow)|has no|have no|doesnt (?:have|follow)|does not (?:have|follow)"
        r"|zero) (?:any |all |its |their |your |the |safety |ethical |moral |content |usual |more "
        r"|further |such |openai )*(?:restrict|rules?\b|filter|limits\b|limitation|guideline"
        r"|constraint|ethic|moral|safety|polic|censor|boundar|guardrail|safeguard)"
        r"|unrestricted|unfiltered|uncensored|amoral",
        span=120,
        rare=(1,),
    ),
    rule(
        "persona",
        0.8,
        r"(?:no|without|free (?:of|from)|remove|lift|disable|turn off|drop) (?:your |all |any |the"
        r" )?"
        r"(?:\w+ )?(?:ethical|moral|safety|content) ?(?:\w+ )?(?:restrict|rule|filter|limit"
        r"|guideline|constraint|polic|guardrail|protocol|check|safeguard|mode)",
    ),
    rule(
        "persona",
        0.6,
        "never|cannot|cant|must not|do not|dont|unable to|not able to|without",
        r"(?:any )?(?:refus|disclaimer|warning)|say no\b|say (?:that )?you cant",
        span=3,
        rare=(1,),
    ),
    rule(
        "persona",
        0.6,
        "must comply|comply with (?:every|any|all)|fulfil any|fulfill any|answer anything",
    ),
    rule(
        "self_talk",
        1.0,
        r"as (?:an|the|your) (?:ai )?(?:assistant|model|ai)|i have|i already|ive\b|the user is"
        r"|reasoning|thinking|thought|scratchpad|chain of thought",
        r"(?:determined|concluded|established|verified|decided|confirmed|authori[sz]ed|reasoned)\b",
        r"(?:so|therefore|thus|hence|meaning|which means) (?:i |the |we |it )|i (?:will|should|can"
        r"|must|am going to) |proceed|disregard|comply|safe to",
        span=120,
        rare=(0, 1, 2),
    ),
)
_REVEAL: Final = (
    rule(
        "reveal",
        1.0,
        r"reveal|show|print|repeat|output|display|leak|dump|recite|disclose|expose|write (?:out"
        r"|down)"
        r"|spell out|tell|give|share|list|paste|echo|quote|return|copy|translate|encode"
        r"|summari[sz]e"
        r"|what (?:is|are|was|were|does)|provide|type out|read (?:back|out)|verbatim|extract"
        r"|start with|begin with|complete",
        _SECRETS,
        span=40,
        rare=(1,),
    ),
    rule(
        "reveal",
        0.8,
        "verbatim|word for word|exactly as|in full|raw (?:text|form)|unedited",
        "system|instruct|prompt|above|configuration|guideline",
    ),
)
_EXFILTRATION: Final = (
    rule(
        "exfiltration",
        1.0,
        r"send|forward|post|upload|email|e-mail|exfiltrat|transmit|append|leak|submit|copy|transfer"
        r"|include|embed|encode|deliver|push|write|put\b|attach|call|fetch|export|collect|gather",
        _DATA,
        _PLACES,
        span=90,
        rare=(0, 1, 2),
    ),
    rule(
        "exfiltration",
        0.8,
        r"reveal|dump|print|list|show|give me|output|export|exfiltrate|leak|read|tell me|return"
        r"|display|cat\b",
        r"(?:all |any |every |the |your |stored |other |other users |customers? |internal )+(?:\w+"
        r" )?"
        r"(?:password|credential|api[ _-]key|apikey|secret|token|private key|environment variable"
        r"|env"
        r" vars"
        r"|customer (?:record|data|database)|user data|database|card number|connection string"
        r"|confidential|personal (?:data|information))s?\b|confidential data|secret key",
        rare=(1,),
    ),
    rule(
        "exfiltration",
        0.8,
        r"read|open|print|show|cat\b|send|include|output|display|dump|contents? of|load",
        r"(?:\S{0,24})(?:/etc/passwd|/etc/shadow|\.ssh/|id_rsa|\.env\b|\.aws/|web\.config)",
        span=24,
        rare=(1,),
    ),
)
# A picture whose address carries something out.
PICTURE: Final = re.compile(r"!\[[^\]]{0,80}\]\(https?:[^)\s]{0,200}[?{=]")
_CLAIMS: Final = (
    rule(
        "authority",
        0.6,
        r"(?:as|i am|im|this is|speaking as) (?:the |your |an? |from )?(?:\w+ )?(?:developer"
        r"|administrator|admin\b|creator|openai|anthropic|system owner|operator|root\b|superuser"
        r"|security team|engineer|it department|ceo\b)",
        r"you\b|your|grant|overrid|disable|instruct|access|authori[sz]|need",
    ),
    rule(
        "authority",
        0.7,
        r"admin(?:istrator)? (?:override|mode|access|command)|system override|override(?: code|"
        r" command"
        r"| mode| protocol| key| token)? ?:|debug mode|authori[sz]ation (?:code|level|granted)"
        r"|security clearance|privileged mode|emergency (?:override|protocol)|sudo (?:su|rm|\w+ --)"
        r"|system (?:notice|alert|update|message|command|note) ?[:!-]"
        r"|priority (?:override|instruction|command)"
        r"|(?:important|urgent|critical|mandatory|special) (?:\w+ )?(?:instruction|directive"
        r"|notice to"
        r"|message (?:to|for) (?:the )?(?:ai|assistant|model))",
    ),
    rule(
        "concealment",
        0.7,
        "do not|dont|never|without|must not|avoid",
        r"(?:tell|mention|inform|notify|alert|reveal|show|disclos|asking|ask|warn|report)\w*"
        r" (?:this |it "
        r"|that "
        r"|any of this )?(?:to )?(?:the |any )?(?:user|customer|human|anyone|anybody|operator|owner"
        r"|reader|recipient|person|confirmation)",
        span=12,
        rare=(1,),
    ),
    rule(
        "concealment",
        0.5,
        "secretly|silently|quietly|covertly|in the background|hidden from the user",
        "send|forward|add|includ|insert|execut|run|delet|transfer|copy|log|record|append|set"
        "|remember",
    ),
)
# A call of a function by its name, as only programs are told to.
CALL: Final = re.compile(
    r"\b(?:call|run|execute|invoke|use|trigger)(?: the)?(?: tool| function)? \w+_\w+"
)
# Orders to whoever reads: not odd from a caller, odd inside a document.
_IN_DOCUMENTS: Final = (
    rule(
        "to_the_model",
        0.5,
        r"notes?\b|message|attention|instruction|notice|hey\b|dear\b|hello|listen|reminder",
        r"ai\b|llms?\b|assistant|language model|chatbot|model\b|bot\b|agent|summari[sz]er",
        span=14,
        rare=(0, 1),
    ),
    rule(
        "to_the_model",
        0.5,
        r"if\b|when\b|while\b|before\b|after\b|once\b|as\b",
        r"ai\b|llms?\b|language model|assistant|agent|bot\b|summari[sz]|processing|process this"
        r"|reading this|read this|parsing|indexing",
        span=24,
        rare=(1,),
    ),
    rule(
        "to_the_model",
        0.65,
        r"ai (?:agent|assistant|model|system|reader)s?|llms?\b|(?:the |any )?(?:assistant|language"
        r" model"
        r"|chatbot|copilot|bot)s?\b",
        r"must|should|shall|needs? to|are (?:required|asked|instructed|expected)|first|please"
        r"|ignore"
        r"|disregard|forward|approve|recommend|treat|rate\b|append",
        span=60,
    ),
    rule(
        "steering",
        0.65,
        r"append|include|add\b|end\b|insert|mention|repeat|begin|start|attach|put\b|shown|show"
        r"|print|place"
        r"|prefix|finish|output|say\b|write|answer",
        r"(?:in|to|at the end of|at the start of|of|with|after|before|from) (?:each|every|all|any"
        r"|your)\b",
        "repl|answer|response|summar|report|review|output|message|conversation|future",
        span=80,
        rare=(0, 1, 2),
    ),
    rule(
        "steering",
        0.65,
        "before you (?:repl|answer|respond|summar|continue|finish)|when you (?:repl|answer|respond"
        "|summar)|in your (?:repl|answer|response|summar|report|review|output)",
    ),
    rule(
        "steering",
        0.65,
        "must be|must|has to be|needs to be|should be",
        "includ|append|added|inserted|attach|shown|mentioned|repeated|forwarded|sent to|deleted",
        r"every|each|all\b|your|at the end|end of|from now on",
        span=60,
        rare=(0, 1, 2),
    ),
    rule(
        "memory",
        0.65,
        "remember|store|save|memori[sz]e|keep in mind|note",
        r"(?:for|in|of|to) (?:all|every|any) (?:future|subsequent|following|later|new|other)|from"
        r" now on"
        r"|permanently|long.?term memory",
        span=90,
        rare=(1,),
    ),
)

ENGLISH: Final[tuple[Rule, ...]] = (
    *_OVERRIDE,
    *_PERSONA,
    *_REVEAL,
    *_EXFILTRATION,
    *_CLAIMS,
    *_IN_DOCUMENTS,
)
