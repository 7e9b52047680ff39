"""Words that make a question another one: negations, opposites, numbers and times."""

from __future__ import annotations

from typing import Final


def _words(*lines: str) -> frozenset[str]:
    return frozenset(" ".join(lines).split())


NEGATIONS: Final = _words(
    # English, also as it is typed in haste
    "no not never none nothing nobody nowhere neither nor cannot without except unless hardly",
    "cant dont wont isnt arent wasnt werent doesnt didnt couldnt shouldnt wouldnt hasnt havent",
    "hadnt aint unable impossible",
    # Welsh
    "ddim dim nid nad nac na ni heb byth neb peidio peidiwch paid methu amhosib oni",
    # German, Dutch
    "nicht kein keine keinen keinem keiner keines nie niemals nichts niemand weder ohne außer",
    "niet geen nooit niets niemand zonder",
    # French, Italian
    "ne pas jamais rien personne aucun aucune sans sauf",
    "non mai niente nulla nessuno nessuna senza",
    # Spanish, Portuguese, Polish
    "nunca nada nadie ninguno ninguna sin jamás não nem ninguém nenhum nenhuma sem",
    "nie nigdy nic nikt żaden bez",
)

TURNS: Final = _words(
    # opposites
    "before after over under above below more less most least fewer higher lower highest lowest",
    "larger smaller largest smallest longer shorter cheaper dearer cheapest first last earliest",
    "latest oldest newest minimum maximum min max increase decrease raise reduce add remove",
    "enable disable activate deactivate lock unlock block unblock freeze unfreeze open close",
    "start stop begin end buy sell lend borrow send receive deposit withdraw debit credit",
    "accept reject approve decline allow forbid include exclude import export upload download",
    "install uninstall subscribe unsubscribe login logout join leave off incoming outgoing",
    "inside outside down left right old new true false good bad best worst legal illegal safe",
    "unsafe required optional public private internal external gross net inbound outbound only",
    "lost found arrive depart arrival departure adult child men women male female his her",
    "caniatáu gwahardd agor cau cyn mwy llai uwch",
    "vor nach mehr weniger avant après plus moins antes después más menos prima dopo più meno",
    # numbers; "one" is left out, for it mostly stands for something else
    "zero two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen",
    "sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety",
    "hundred thousand million billion half quarter third double triple twice once dozen both",
    "dau dwy tri tair pedwar pedair pump chwech saith wyth naw deg mil hanner",
    "zwei drei vier fünf sechs sieben acht neun zehn hundert tausend",
    "deux trois quatre cinq sept huit neuf dix mille",
    "dos tres cuatro cinco seis siete ocho nueve diez cien",
    # times
    "today tomorrow yesterday tonight now later soon next previous current past weekly daily",
    "monthly yearly annual annually hourly hour day week month year minute second hours days weeks",
    "months years minutes seconds morning afternoon evening night weekday weekend",
    "monday tuesday wednesday thursday friday saturday sunday",
    "january february march april may june july august september october november december",
    "heddiw yfory ddoe heno nawr llun mawrth mercher iau gwener sadwrn sul",
    "heute morgen gestern hier demain aujourd'hui hoy mañana ayer oggi domani ieri",
)

# Words that open a sentence, so that their capital says nothing.
STARTERS: Final = NEGATIONS | _words(
    "i what what's whats how where where's when why who whose whom which can could may might",
    "must shall should will would do does did is are am was were has have had please tell show",
    "give explain describe list find help let get make write say name my your our their his her",
    "its it the a an this that these those there here we you they he she if as at by for from in",
    "of on or to with and but so also then hello hi hey dear thanks thank ok okay yes need want",
    "looking trying any some all every each about is's im i'm i've i'd i'll",
    "pay send track cancel change update check open close block unblock activate reset order book",
    "return refund transfer add remove delete create set use buy sell call compare translate",
    "summarise summarize rewrite draft fix count calculate convert suggest recommend given does",
    "there's here's who's that's let's don't after before since while because under over without",
    "beth sut ble pryd pam pwy pa oes ydy ydw yw mae a allaf alla fedra dw rydw rwy helo",
    "was wie wo wann warum wer welche welcher kann ist sind hat ich bitte der die das ein eine",
    "que qu'est comment où quand pourquoi qui quel quelle est je le la les un une des puis-je",
    "qué cómo dónde cuándo cuál quién puedo es el los las che come dove quando perché chi posso",
)
