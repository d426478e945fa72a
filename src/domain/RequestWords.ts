/**
 * How much a word says about the subject of a request. The lists hold the general vocabulary of asking for a text;
 * everything that is not listed counts in full. English first; of other languages only the commonest words, without
 * those that are an English noun or verb as well.
 */

/** Words of grammar, courtesy and asking: they say nothing about the subject. */
const light = `
  a an the this that these those some any such i we you he she it they me us him them my our your his her its their
  and or but of to in on at for with by from as into onto about over upon around up is are was were be been being am
  do does did done has have had having will would can could should may might must shall there here so then also too
  just very really quite please pls kindly thanks thank hello hi hey dear ok
  regarding concerning covering cover topic subject titled entitled
  write writing written rewrite draft compose create make produce prepare generate craft publish provide
  give deliver send show tell explain describe discuss explore need want like wish require
  look looking help let get put together come something maybe perhaps asap
  blog blogpost blogging post posting article piece text writeup paragraph
  short brief quick concise long lengthy detailed comprehensive thorough depth friendly informative engaging
  interesting compelling entertaining readable helpful nice catchy conversational
  tone headline heading subheading bullet
  ich wir du sie mir uns bitte kannst könntest können schreibe schreib schreiben verfasse verfassen erstelle erstellen
  brauche benötige möchte beitrag blogbeitrag blogartikel artikel über zum zur von und der das den dem ein eine einen
  einem einer für im kurzen kurzer
  je nous vous écris écrire écrivez rédige rédiger rédigez billet veuillez il plaît voudrais besoin le la les un une de
  du des et au aux pour propos sujet
  yo escribe escribir escriba redacta redactar crea crear necesito quiero artículo entrada favor sobre el los las uno una
  te del y en para con acerca
  scrivi scrivere articolo lo gli di della dello delle dei degli sul sulla sulle sui per favore
  escreva escrever artigo postagem publicação preciso o os da do dos das um uma em
  schrijf artikel een het van voor graag alsjeblieft
  напиши напишите написать создай статью статья пост текст пожалуйста о об про на для и в
  블로그 글을 글 기사 게시물 작성해 작성 써줘 써 주세요 대한 대해 관한
  اكتب مقال مقالا مقالة تدوينة عن حول من في
`

/** Words that mostly belong to the asking, but can be the subject or shade it. */
const soft = `
  how why what when where which who if than more own new guide tutorial overview introduction intro conclusion
  summary essay content copy text story website site page web seo keyword audience reader visitor subscriber
  style voice format markdown section sentence word title version section include use add mention simple easy
  informational quality original unique clear fun great good useful focus deal talk speak
  share read know everything important suitable ready possible soon general company team magazine item feature author pen
  love theme entry mind well outline present und oder aus mit comment
  pourquoi cómo por qué come perché como wie warum sur avec dans
`

/** Words that turn a statement round. They weigh more than a subject word, because they are so easily outnumbered. */
const strong = `
  not no never without neither nor none cannot
  nicht kein keine keinen ohne nie niemals ne pas sans jamais sin nunca non senza mai sem não niet geen zonder не без нет
`

/** After these the subject follows. */
const announcing = `
  about regarding concerning covering topic subject titled entitled post blogpost article piece
  über beitrag blogbeitrag artikel sobre artículo artigo articolo про статью
`

const vowel = /[aeiouy]/u

/**
 * Takes common English endings off, so that plural, -ing and -ed forms meet. Words of other languages may lose a final
 * s or e, always the same way.
 */
export const stem = (word: string): string => {
  let base = word
  if (base.length < 4) return base
  if (base.endsWith("ies") && base.length > 4) base = `${base.slice(0, -3)}y`
  else if (/(?:[sz]|ch|sh|x)es$/u.test(base) && base.length > 5) base = base.slice(0, -2)
  else if (/[^sui]s$/u.test(base)) base = base.slice(0, -1)
  const cut = base.endsWith("ing") ? 3 : base.endsWith("ed") && !base.endsWith("eed") ? 2 : 0
  if (cut > 0 && base.length - cut >= 3 && vowel.test(base.slice(0, -cut))) {
    base = base.slice(0, -cut).replace(/([bdgmnprt])\1$/u, "$1")
  }
  return base.length > 4 && base.endsWith("e") ? base.slice(0, -1) : base
}

const stems = (list: string) => list.trim().split(/\s+/u).map(stem)

/** Light words weigh a little, so that a prompt of nothing else has a direction. */
const weights: ReadonlyMap<string, number> = new Map([
  ...stems(soft).map((word) => [word, 0.35] as const),
  ...stems(light).map((word) => [word, 0.06] as const),
  ...stems(strong).map((word) => [word, 1.7] as const)
])

/** The weight of a stemmed word; 1 is a subject word. */
export const weightOf = (word: string): number => weights.get(word) ?? 1

/** Numbers tell otherwise equal requests apart. */
export const numberWeight = 1.5

const announcements: ReadonlySet<string> = new Set(stems(announcing))

/** The subject most likely follows this stemmed word. */
export const announcesSubject = (word: string): boolean => announcements.has(word)

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
