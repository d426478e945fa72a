/**
 * The general vocabulary of asking for a text: data. Whatever is not listed belongs to the subject. English always
 * counts, another language where the prompt shows that it is written in it ("van" is no word of grammar in English).
 */
import { stem } from "./Stem.ts"

/** What a word does in a prompt. */
export type Role =
  /** Articles, pronouns, prepositions, auxiliaries. */
  | "grammar"
  /** Asking, courtesy and greeting. */
  | "request"
  /** The text asked for, by no name in particular: "post", "article", "piece". */
  | "text"
  /** How the text should be: "friendly", "short". */
  | "style"
  /** What of the text should be so: "tone", "headlines", "jargon". */
  | "form"
  /** The asker's own side: "our readers", "for the website". */
  | "own"
  /** Frames a subject without changing it: "tips", "the importance of". */
  | "frame"
  | "negation"
  | "question"
  /** Prepositions and adverbs that matter only against their opposite. */
  | "polar"

type Lists = { readonly [role in Role]?: string }

const english: Lists = {
  grammar: `a an the this that these those some any such i we you he she it they me us him them my our your his her its
    their and or but of to in on at for with by from as into onto about upon around is are was were be been being am do
    does did done has have had having will would can could should may might must shall there here so then also too just
    very really quite if than both while because via per that's etc vs versus one let lets re ve ll`,
  request: `please pls plz kindly thanks thank thx cheers hello hi hey dear ok okay write writing written rewrite draft
    drafting compose create creating make making produce producing prepare generate craft publish provide give deliver
    send show tell explain describe discuss explore exploring explaining describing discussing need want like wish
    require request look looking help get put together come came something anything maybe perhaps asap regarding
    concerning concern covering cover topic subject theme titled entitled called title turn possible able grateful
    appreciate hoping hope wondering wonder mind ready deal dealing walk happy glad start starting first-draft idea
    focus focusing focused task job assignment brief briefing urgent urgently whip knock cook dash
    announcing announce introducing introduce presenting outlining outline summarize summarise summarizing
    summarising elaborate talk talking speak speaking say someone somebody anyone smth sth wanted needed think thinking job rundown
    planning series launching detail prompt writes needs wants covers
    explains describes discusses explores deals talks introduces announces provides gives shows tells outlines
    summarises summarizes creates requests preparing generating develop developing publishing
    providing delivering crafting composing sending giving showing telling helping getting putting needing wanting requesting topics subjects turns turning looks tackles tackling
    addresses addressing include includes publication kind enjoy follow understand reading read
    receive order included including interested curious keen eager pen wrote ta tia greetings dedicate dedicating devote devoting
    got asked tasked required`,
  text: `blog blogpost blogging post posting article piece text writeup write-up entry content copy draft paragraph
    explanation explainer primer feature guide tutorial overview introduction intro summary material item listicle long-read longread backgrounder commentary think-piece op-ed editorial`,
  style: `short brief quick concise long lengthy detailed comprehensive thorough in-depth indepth depth friendly
    informative engaging interesting compelling entertaining readable nice catchy conversational simple easy plain clear
    lively punchy snappy witty funny humorous fun playful cheerful upbeat warm encouraging motivating inspiring
    inspirational persuasive convincing confident bold professional formal informal casual relaxed relaxing chatty
    personal serious sober neutral objective factual balanced thoughtful thought-provoking insightful smart clever
    creative original unique fresh authentic honest polite empathetic emotional dramatic sophisticated elegant crisp
    tight compact extensive exhaustive in-detail long-form longform short-form shortform seo-friendly seo
    search-engine-optimised search-engine-optimized optimised optimized beginner-friendly reader-friendly
    easy-to-read easy-to-understand understandable accessible approachable well-written well-researched researched
    informational educational instructive practical actionable useful helpful great good excellent amazing
    high-quality quality solid decent little small-ish light light-hearted lighthearted down-to-earth matter-of-fact
    no-nonsense step-by-step vivid colourful evocative poetic descriptive narrative journalistic authoritative
    trustworthy expert polished publishable ready-to-publish publication-ready suitable appropriate attention-grabbing
    eye-catching gripping captivating riveting fascinating intriguing memorable enjoyable pleasant straightforward
    jargon-free structured well-structured organised scannable skimmable digestible shareable viral click-worthy
    tongue-in-cheek ironic sarcastic satirical enthusiastic energetic passionate optimistic reassuring calm gentle
    sensitive respectful direct roughly approximately approx circa max maximum minimum min extra super
    british american rough deep deeper closer`,
  form: `tone voice style register mood feel manner vibe language english format formatting markdown html heading
    subheading subheadings headings headline headlines subheadline subhead subheads bullet bullets bullet-point
    bullet-points list lists sections points sentence sentences wording words characters length spelling jargon slang buzzwords cliches clichés fluff filler emoji emojis hashtag hashtags keyword
    keywords call-to-action cta hook conclusion closing opening intro introduction title subtitle abstract teaser
    excerpt structure terms phrasing grammar punctuation wordcount word-count count minute read example examples statistics meta description descriptions metadata images pictures sources references
    citations links table tables quotes takeaways anecdote anecdotes outlook ending opener recap nutshell`,
  own: `reader audience visitor subscriber follower user customer client community website site homepage web page
    web-site home-page webpage blog company team magazine newspaper intranet portal channel cms column marketing
    department editor section shop store agency firm organisation business practice studio members fan
    newsletter brand author colleague boss viewer listener edition issue readership`,
  frame: `tip idea way thing advice hint pointer basic importance important everything know need-to-know essential
    best top introduction overview guide world topic question answer practical useful good great new your own more
    different various several many much lot all every each only even well actually generally general use using used take takes taking approach find purpose sort once`,
  negation: `not no never without neither nor none cannot nobody nothing nowhere hardly isnt arent dont doesnt didnt
    cant couldnt wont wouldnt shouldnt mustnt`,
  question: `how why when where who what which whose whom whether`,
  polar: `before after during over under above below beneath inside outside within beyond up out against
    between behind through across along near past since until till always often sometimes again still yet less
    instead rather`
}

const german: Lists = {
  grammar: `ich wir du sie er es ihr mir uns dir ihnen mich dich euch der die das den dem des ein eine einen einem einer
    eines und oder aber von vom zu zum zur im in am an auf aus bei mit für über um ist sind war waren sein wird werden
    kann können sollte sollten soll muss müssen darf dürfen hat haben unser unsere unseren unserem unserer mein meine
    meinen meinem meiner dein deine ihre ihren ihrem ihrer man sich als auch noch nur so dass wenn etwa ca circa rund
    dazu davon hier mal doch`,
  request: `bitte danke hallo guten tag schreibe schreib schreiben schreibst verfasse verfass verfassen erstelle erstell
    erstellen formuliere formulieren entwirf entwerfen kannst könntest können könnten würdest würden brauche brauchen
    benötige benötigen möchte möchten hätte hätten gern gerne thema themas zum-thema etwas geht erkläre erklären
    beschreibe mach machen liefere liefern dreht handelt handeln veröffentlichen`,
  text:
    `beitrag blogbeitrag blogartikel blogeintrag blogpost blogtext webtext blog artikel text eintrag entwurf absatz leitfaden
    ratgeber überblick einführung anleitung zusammenfassung`,
  style: `kurz kurzen kurzer kurzes kurze lang langen langer ausführlich ausführlichen ausführlicher locker lockeren
    lockerer lockerem freundlich freundlichen freundlichem freundlicher sachlich sachlichen sachlicher
    informativ informativen informativer unterhaltsam unterhaltsamen unterhaltsamer verständlich verständlichen
    verständlicher einfach einfachen einfacher seriös seriösen professionell professionellen spannend spannenden
    spannender knapp knappen knapper detailliert detaillierten humorvoll humorvollen leicht leichten schön schönen
    ansprechend ansprechenden ansprechender lebendig lebendigen lebendiger lesenswert lesenswerten lesenswerter gut guten
    guter gutes interessant interessanten interessanter hilfreich hilfreichen klar klaren klarer nett netten netter prägnant
    prägnanten formell formellen neutral neutralen neutraler persönlich persönlichen fundiert fundierten kompakt kompakten`,
  form: `ton tonfall stil sprache deutsch wort wörter wörtern worte worten zeichen satz sätze sätzen überschrift
    überschriften absätze absätzen länge fachbegriffe fachchinesisch anrede du-form sie-form zwischenüberschriften`,
  own: `website webseite homepage seite blog leser lesern leserinnen kunden kundinnen intranet unternehmen firma
    zielgruppe shop`,
  frame: `tipp tipps idee ideen wichtigkeit bedeutung wichtig wichtigsten alles wissenswertes wissen besten grundlagen
    neue neuen neuer neues`,
  negation: `nicht kein keine keinen keinem keiner ohne nie niemals weder`,
  question: `wie warum wann wo wer was welche welcher welches weshalb wieso`,
  polar: `vor nach während unter gegen zwischen seit bis durch hinter innerhalb außerhalb`
}

const french: Lists = {
  grammar:
    `je nous vous tu il elle on ils elles moi me te se le la les l un une de d du des et ou mais au aux à a en dans
    pour par sur avec ce cet cette ces son sa ses mon ma mes ton ta tes notre nos votre vos leur leurs est sont être
    avons avez ai as ont qui que qu peux peut pouvez pourriez pourrais faut doit devez y s c j n m t`,
  request: `écris écrire écrivez rédige rédiger rédigez crée créer créez prépare préparer veuillez plaît plait merci
    bonjour salut voudrais voudrions aimerais aimerions besoin propos sujet thème concernant parle parler parlez fais
    faire faites propose proposer explique expliquer expliquez quelque chose donne donnez`,
  text: `article billet texte blog post contenu rédaction brouillon paragraphe présentation guide tutoriel`,
  style: `court courte bref brève long longue simple clair claire amical amicale chaleureux chaleureuse décontracté
    décontractée professionnel professionnelle informatif informative convivial conviviale vivant vivante détaillé
    détaillée accrocheur accessible petit sérieux drôle léger agréable environ concis concise précis précise complet complète captivant captivante percutant pédagogique
    original originale vif pratique utile structuré structurée ludique sobre`,
  form: `ton style mots mot phrases phrase titre titres français langue caractères paragraphes jargon longueur`,
  own: `site web blog lecteurs lecteur clients page entreprise équipe magazine boutique`,
  frame: `conseils conseil idées idée importance essentiel savoir tout nouveau nouvelle meilleurs meilleures`,
  negation: `ne pas sans jamais aucun aucune ni rien non`,
  question: `comment pourquoi quand où quel quelle quels quelles quoi combien`,
  polar: `avant après pendant sous contre entre depuis sauf hors vers chez`
}

const spanish: Lists = {
  grammar:
    `yo nosotros tú él ella ellos el la los las lo un una unos unas de del al y o u pero a en con por para me te se
    nos le les mi mis tu tus su sus nuestro nuestra nuestros nuestras este esta estos estas es son está están ser estar
    que si como más muy ha han hay puedes puede podrías podría podéis`,
  request: `escribe escribir escriba redacta redactar redacte crea crear prepara preparar necesito necesitamos quiero
    queremos quisiera gustaría favor gracias hola sobre acerca tema tratar trate hable hablar explica explicar haz
    hacer elabora elaborar algo dame genera`,
  text: `artículo entrada texto blog post contenido borrador publicación redacción guía resumen`,
  style: `breve corto corta largo larga sencillo sencilla claro clara ameno amena amistoso amistosa cercano cercana
    profesional informativo informativa divertido divertida detallado detallada informal formal ligero ligera atractivo atractiva interesante original completo completa conciso
    concisa útil práctico práctica entretenido entretenida cordial neutro neutral bueno buen buena pequeño pequeña
    unas aproximadamente`,
  form: `tono estilo palabras palabra frases título títulos español idioma caracteres párrafos jerga`,
  own: `web sitio página blog lectores clientes empresa equipo revista tienda`,
  frame: `consejos ideas importancia importante todo saber nuevo nueva mejores`,
  negation: `no sin nunca jamás ni ningún ninguna nada`,
  question: `cómo por-qué porqué cuándo dónde quién qué cuál`,
  polar: `antes después durante bajo contra entre desde hasta`
}

const italian: Lists = {
  grammar:
    `io noi tu lei il lo la i gli le l un uno una di del dello della dei degli delle dell e o ma a al alla ai in nel
    nella con per da dal su sul sulla sulle sui sugli si mi ci è sono che come più nostro nostra nostri`,
  request: `scrivi scrivere scriva scrivete crea creare prepara preparare vorrei vorremmo bisogno favore grazie ciao
    riguardo argomento tema parla parlare puoi potresti redigi`,
  text: `articolo testo blog post contenuto bozza voce pezzo`,
  style: `breve corto corta lungo semplice chiaro informativo amichevole professionale dettagliato`,
  form: `tono stile parole italiano titolo`,
  own: `sito web blog lettori clienti azienda`,
  negation: `non senza mai né nessun nessuna`,
  question: `come perché quando dove chi quale`,
  polar: `prima dopo durante sotto contro tra fra`
}

const portuguese: Lists = {
  grammar:
    `eu nós o a os as um uma uns umas de do da dos das e ou mas em no na nos nas com por para pelo pela ao à se me
    que é são mais nosso nossa seu sua`,
  request: `escreva escrever escreve crie criar prepare preparar preciso precisamos gostaria queria favor obrigado
    obrigada olá sobre acerca tema pode poderia redija`,
  text: `artigo postagem post texto blog publicação conteúdo rascunho`,
  style: `curto curta breve longo simples claro informativo amigável profissional detalhado`,
  form: `tom estilo palavras português título`,
  own: `site web blog leitores clientes empresa`,
  negation: `não sem nunca nem nenhum nenhuma`,
  question: `como porque quando onde quem qual`,
  polar: `antes depois durante sob contra entre`
}

const dutch: Lists = {
  grammar:
    `ik wij we jij je u hij zij ze het de een en of maar van voor in op aan met bij naar uit te om door is zijn was
    kan kun kunt kunnen wil willen ons onze mijn jouw dit dat deze die er ook`,
  request: `schrijf schrijven maak maken graag alsjeblieft alstublieft bedankt hallo nodig over onderwerp zou zouden`,
  text: `artikel blogartikel blogpost blog tekst bericht stuk blogbericht`,
  style: `kort korte lang lange vriendelijk vriendelijke informatief informatieve eenvoudig eenvoudige`,
  form: `toon stijl woorden nederlands titel`,
  own: `website site blog lezers klanten bedrijf`,
  negation: `niet geen zonder nooit`,
  question: `hoe waarom wanneer waar wie wat welke`,
  polar: `voordat nadat tijdens onder tegen tussen`
}

/** Words of other scripts meet no English ones, and so need no proof of their language. */
const otherScripts: Lists = {
  request: `напиши напишите написать создай подготовь пожалуйста 작성해 작성 써줘 써 주세요 대한 대해 관한 اكتب`,
  grammar: `о об про на для и в с за по к из عن حول من في`,
  text: `статью статья пост текст заметку 블로그 글을 글 기사 게시물 مقال مقالا مقالة تدوينة`,
  negation: `не без нет`
}

const byLanguage: ReadonlyArray<Lists> = [german, french, spanish, italian, portuguese, dutch]

/** Earlier roles give way to later ones where a word is listed twice. */
const order: ReadonlyArray<Role> = [
  "frame",
  "own",
  "form",
  "style",
  "text",
  "request",
  "grammar",
  "polar",
  "question",
  "negation"
]

const split = (list: string | undefined) => list === undefined ? [] : list.trim().split(/\s+/u)

const tableOf = (lists: Lists): ReadonlyMap<string, Role> =>
  new Map(order.flatMap((role) => split(lists[role]).map((word) => [exact(role) ? asWritten(word) : stem(word), role])))

/** "professional" is a style, "professionals" are people; "planning" asks, "planes" do not: as they are written only. */
const exact = (role: Role) => role !== "own" && role !== "frame" && role !== "text"
const asWritten = (word: string) => `=${word}`

const englishTable = new Map([...tableOf(english), ...tableOf(otherScripts)])
const tables = byLanguage.map(tableOf)

/** Which languages know a word as grammar or asking: bit 0 is English. */
const languages: ReadonlyMap<string, number> = (() => {
  const found = new Map<string, number>()
  ;[english, ...byLanguage].forEach((lists, index) => {
    for (const role of ["grammar", "request", "negation", "question"] as const) {
      for (const word of split(lists[role])) found.set(stem(word), (found.get(stem(word)) ?? 0) | (1 << index))
    }
  })
  return found
})()

/** How many words settle the language of a prompt; more of them say nothing new. */
const languageSample = 60

/** The role of each word of one prompt; `undefined` for words of the subject. */
export const rolesFor = (stems: ReadonlyArray<string>): (stemmed: string, word: string) => Role | undefined => {
  const counts = [0, 0, 0, 0, 0, 0, 0]
  for (const word of stems.slice(0, languageSample)) {
    const known = languages.get(word) ?? 0
    for (let index = 0; known >> index > 0; index++) {
      if ((known >> index & 1) === 1) counts[index] = (counts[index] ?? 0) + 1
    }
  }
  const best = Math.max(...counts.slice(1))
  // English wins where both are equal: most words that it shares with others are its own.
  const table = best > (counts[0] ?? 0) ? tables[counts.indexOf(best, 1) - 1] : undefined
  if (table === undefined) return (stemmed, word) => roleIn(englishTable, stemmed, word)
  return (stemmed, word) => roleIn(table, stemmed, word) ?? englishOutside(stemmed, word)
}

const roleIn = (table: ReadonlyMap<string, Role>, stemmed: string, word: string): Role | undefined =>
  table.get(asWritten(word)) ?? table.get(stemmed)

/** "SEO", "blog" and "post" are understood in other languages, "die" and "des" would be misread. */
const englishOutside = (stemmed: string, word: string): Role | undefined => {
  const role = roleIn(englishTable, stemmed, word)
  return role === "text" || role === "style" || role === "form" || role === "request" || role === "own"
    ? role
    : undefined
}

/** The same vocabulary where words are not spaced: what it leaves between is the subject. */
export const unspacedRequest = new RegExp(
  [
    "请帮我写|请给我写|请写|請寫|帮我写|写一篇|写一个|写一段|寫一篇|一篇|关于|關於|有关|博客文章|博客|部落格|文章|帖子|的",
    "についての|について|に関する|ブログ記事|ブログ|記事|投稿|を書いてください|を書いて|書いてください|を作成してください|を作成して",
    "作成してください|をお願いします|お願いします|してください|ください|下さい",
    "เขียนบทความ|บทความ|เขียน|บล็อก|เกี่ยวกับ|กรุณา"
  ].join("|"),
  "gu"
)
