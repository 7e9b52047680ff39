"""The words of other languages by which attempts to take over a model are known.

As in `injection_words`; letters are without accents.  German, French, Spanish, Italian,
Portuguese, Dutch, Welsh and Polish; and a little of scripts without Latin letters.
"""

from __future__ import annotations

import re
from typing import Final

from seatrial.reliability.checks.injection_rules import Rule, rule


def _override(verbs: str, objects: str) -> Rule:
    return rule("override", 1.0, verbs, objects)


def _reveal(verbs: str, secrets: str) -> Rule:
    return rule("reveal", 1.0, verbs, secrets, span=40, rare=(1,))


def _persona(modes: str, freedoms: str) -> Rule:
    return rule("persona", 1.0, modes, freedoms, span=100, rare=(1,))


def _lifted(rules: str, gone: str) -> Rule:
    return rule("override", 1.0, rules, gone, span=40, rare=(1,))


_GERMAN: Final = (
    _override(
        "ignorier|vergiss|vergessen sie|missacht|uberschreib|umgeh|beachte nicht|verwirf",
        "anweis|instruktion|befehl|regel|vorgabe|aufforder|richtlini|systemprompt|system-?prompt"
        "|prompt|einschrankung|filter|sicherheits|alles (?:davor|zuvor|oben)",
    ),
    _reveal(
        r"zeig|verrat|nenn|gib|offenbar|wiederhol|druck|wie lautet|was (?:ist|sind|steht)|schreib",
        r"systemprompt|system-prompt|system-?(?:anweis|nachricht)|(?:deine|ihre|die) (?:\w+ )?"
        r"(?:anweisung|instruktion|vorgabe|prompt)|geheim\w* (?:anweis|instruk|prompt)",
    ),
    _persona(
        "du bist|sie sind|du hast|stell dir vor|ab jetzt|ab sofort|von nun an|antworte|zu antworten"
        "|tu so|verhalte dich|spiel",
        r"(?:ohne|keine|keinen|keinerlei) (?:\w+ ){0,2}(?:einschrank|beschrank|regel|filter|grenz"
        r"|limit|richtlini|zensur)|uneingeschrankt|unzensiert|befolgst keine|dan\b",
    ),
    _lifted(
        r"(?:sicherheits)?(?:richtlini|regel|vorgabe|anweisung|einschrankung|filter)\w*",
        "nicht gelt|gelten nicht|gilt nicht|aufgehoben|ausser kraft|deaktiviert|nicht mehr",
    ),
)
_FRENCH: Final = (
    _override(
        r"ignore|oubli|ne (?:tiens|tenez) (?:pas|aucun) compte|fais abstraction|faites abstraction"
        r"|neglige|contourne|outrepasse|passe outre",
        "instruction|consigne|directive|regle|ordre|invite systeme|prompt|restriction"
        "|tout ce qui precede|filtre",
    ),
    _reveal(
        r"montre|revele|affiche|repete|donne|dis-moi|imprime|divulgue|quels? (?:est|sont)"
        r"|quelles? (?:est|sont)|recopie|traduis",
        r"prompt systeme|invite systeme|message systeme|instructions systeme|prompt (?:initial"
        r"|cache"
        r"|secret)|(?:tes|vos) (?:\w+ )?(?:instruction|consigne|directive)",
    ),
    _persona(
        "tu es|vous etes|tu as|fais comme si|agis comme|desormais|a partir de maintenant|reponds"
        "|repondre|repondez|imagine|joue le role",
        r"(?:sans|aucun|aucune|plus de|pas de) (?:\w+ ){0,2}(?:limit|restric|regle|filtre"
        r"|contrainte"
        r"|censure)|illimite|non censure|dan\b",
    ),
    _lifted(
        "regle|directive|consigne|politique|restriction|filtre",
        r"ne s.appliquent (?:pas|plus)|ne s.applique (?:pas|plus)|sont (?:levees|suspendu|desactiv"
        r"|annul)|desactive",
    ),
)
_SPANISH: Final = (
    _override(
        "ignor|olvid|haz caso omiso|haga caso omiso|omite|desobedece|descarta|no (?:sigas|hagas"
        " caso)"
        "|anula",
        "instruccion|regla|orden|indicacion|directri|prompt|restriccion|todo lo anterior|mensaje"
        "|politica|filtro",
    ),
    _reveal(
        r"muestra|revela|ensena|repite|imprime|dime|dame|cual (?:es|son)|cuales (?:es|son)|escribe"
        r"|divulga",
        r"prompt (?:de|del) sistema|prompt (?:inicial|oculto)|(?:tus|sus) (?:\w+ )?(?:instruccion"
        r"|indicacion)|instrucciones (?:de|del) sistema|mensaje (?:de|del) sistema|tu prompt",
    ),
    _persona(
        "eres|estas|ahora|tienes|finge|actua como|responde|imagina|a partir de ahora|haz de cuenta"
        "|modo desarrollador",
        r"(?:sin|ninguna?|no tienes) (?:\w+ ){0,2}(?:limit|restric|regla|filtro|censura)|dan\b"
        r"|ilimitado",
    ),
    _lifted(
        "regla|directri|politica|restriccion|norma|filtro",
        r"no (?:se )?aplica|ya no|estan (?:desactivad|anulad|suspendid)|quedan sin",
    ),
)
_ITALIAN: Final = (
    _override(
        "ignor|dimentic|trascur|scorda|non (?:seguire|considerare|tenere conto)|disobbedi|scavalca"
        "|aggira|bypassa",
        "istruzion|regol|ordin|direttiv|indicazion|prompt|restrizion|tutto cio che precede|comand"
        "|filtr|messagg",
    ),
    _reveal(
        r"mostra|rivela|ripeti|stampa|dimmi|dammi|qual (?:e|sono)|quali (?:sono|erano)|scrivi",
        r"prompt (?:di|del) sistema|prompt (?:iniziale|nascosto)|(?:tue|vostre) (?:\w+ )?"
        r"(?:istruzion|regol)|istruzioni (?:di|del) sistema|messaggio di sistema|tuo prompt",
    ),
    _persona(
        "sei ora|ora sei|sei|adesso|fingi|agisci come|rispond|immagina|non hai|d.ora in poi",
        r"(?:senza|nessun|nessuna|non hai) (?:\w+ ){0,2}(?:limit|filtr|restrizion|regol|censur)"
        r"|dan\b",
    ),
    _lifted(
        "linee guida|regol|direttiv|politic|restrizion|filtr",
        r"non (?:valgono|vale|si applica)|sono (?:disattivat|sospes|annullat)",
    ),
)
_OTHERS: Final = (
    _override(
        "ignor|esqueca|desconsider|desrespeit|descart",
        "instruc|regra|ordens|diretri|prompt|restric|tudo (?:o que|acima)|comando",
    ),
    _reveal(
        "mostre|revele|exiba|repita|diga-me|qual (?:e|sao)|escreva",
        r"prompt (?:de|do) sistema|(?:suas|tuas) (?:\w+ )?instruc|instrucoes (?:de|do) sistema",
    ),
    _persona(
        "voce e|voce esta|agora|finja|aja como|responda|imagine",
        r"sem (?:\w+ ){0,2}(?:restric|limit|regra|filtro|censura)|dan\b",
    ),
    _override(
        "negeer|vergeet|omzeil|overschrijf",
        r"instructie|opdracht|regels?\b|aanwijzing|richtlijn|prompt|beperking|alles hiervoor",
    ),
    _reveal(
        "toon|laat|geef|herhaal|onthul|wat (?:is|zijn)",
        r"systeemprompt|systeem-?prompt|system prompt|(?:je|jouw|uw) (?:\w+ )?(?:instructies"
        r"|prompt)",
    ),
    _override(
        "zignoruj|ignoruj|zapomnij|pomin|lekcewaz",
        "instrukcj|polecen|zasad|regul|prompt|wytyczn|wszystko (?:powyzej|wczesniej)",
    ),
)
# Welsh, with the mutations of its nouns.
_WELSH: Final = (
    _override(
        "anwybydd|anghofi|diystyr|paid a dilyn|peidi|hepgor",
        "cyfarwyddiad|gyfarwyddiad|chyfarwyddiad|nghyfarwyddiad|cyfarwyddyd|gyfarwyddyd|rheol|reol"
        "|gorchymyn|orchymyn|gorchmyn|orchmyn|canllaw|ganllaw|neges|anogwr|anogiad|cyfyngiad"
        "|gyfyngiad"
        "|popeth (?:uchod|blaenorol)",
    ),
    _reveal(
        "dangos|ddangos|datgel|ddatgel|ailadrodd|dywed|beth yw|beth ydy|rho|argraff|ysgrifenn",
        r"anogwr|anogiad|system prompt|(?:dy|eich|dy holl|eich holl) (?:\w+ )?(?:gyfarwydd"
        r"|cyfarwydd"
        r"|rheol|reol|anog)",
    ),
    _persona(
        "rwyt ti|rydych chi|ti nawr|nawr|o hyn ymlaen|esgus|actia|ymddwyn|ateb",
        r"(?:heb|dim|ddim|does dim) (?:\w+ ){0,2}(?:rheol|reol|cyfyng|gyfyng|hidl|terfyn|sensor)"
        r"|dan\b",
    ),
    _lifted(
        "rheol|reol|canllaw|ganllaw|cyfyng|gyfyng", "ddim yn berthnasol|ddim yn gymwys|wedi eu"
    ),
)
# A standing order for whatever will be answered.
_STEERING: Final = (
    rule(
        "steering",
        0.7,
        "am ende|in jeder|a la fin|dans chaque|al final|en cada|alla fine|in ogni|ar ddiwedd"
        "|ym mhob|no final",
        "jede|deine|alle|antwort|zusammenfassung|toute|chaque|reponse|resume|cada|toda|respuesta"
        r"|resumen|ogni|rispost|riassunto|ateb|pob\b|crynodeb|tua\b|vos\b",
        span=8,
    ),
)
TONGUES: Final[tuple[Rule, ...]] = (
    *_GERMAN,
    *_FRENCH,
    *_SPANISH,
    *_ITALIAN,
    *_OTHERS,
    *_WELSH,
    *_STEERING,
)

# A verb and its object in one stretch, where words are not told apart by blanks.
OTHER_SCRIPTS: Final = re.compile(
    r"(?:忽略|无视|無視|忘记|忘記|不要理会|忘れ|무시|игнорир|забудь|не обращай)[^.。!！?？\n]{0,24}"
    r"(?:指令|指示|命令|规则|規則|提示|ルール|プロンプト|инструкц|указан|правил|промпт)"
    r"|(?:지시|명령|규칙|프롬프트)[^.。!！?？\n]{0,16}무시"
    r"|(?:指令|指示|命令|规则|規則|提示|ルール)[^.。!！?？\n]{0,8}(?:無視|忘れ)"
    r"|系统提示|系統提示|システムプロンプト|시스템 프롬프트|системн\w{0,4} промпт"
)
