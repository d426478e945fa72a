/** The kinds of text that a prompt can ask for by name. A post, an article and a "text" are no kind of their own. */
import { stem } from "./Stem.ts"

const kinds = `
  product: product-description product-page product-listing product-text product-copy item-description
    produktbeschreibung produkttext description-de-produit fiche-produit descripción-de-producto
  press: press-release press-statement news-release media-release press-announcement pressemitteilung pressemeldung
    communiqué-de-presse nota-de-prensa comunicado-de-prensa
  newsletter: newsletter email-newsletter rundbrief rundmail infolettre boletín
  email: email mail e-mail cold-email email-campaign courriel correo-electrónico
  tweet: tweet x-post twitter-post twitter-thread
  linkedin: linkedin-post linkedin-article instagram: instagram-post instagram-caption
  facebook: facebook-post tiktok: tiktok-script tiktok-video
  social: social-media-post social-post social-media-caption social-media-update caption
  poem: poem haiku limerick sonnet gedicht poème poema song-lyric lyric
  story: short-story story fairy-tale bedtime-story kurzgeschichte
  recipe: recipe rezept recette receta
  speech: speech wedding-speech eulogy toast rede discours discurso
  letter: letter cover-letter thank-you-letter brief-schreiben
  job: job-ad job-advert job-posting job-description job-advertisement vacancy stellenanzeige
  ad: ad advert advertisement google-ad facebook-ad ad-copy slogan tagline werbetext anzeige
  landing: landing-page sales-page landingpage
  case: case-study success-story fallstudie white: white-paper whitepaper e-book ebook
  faq: faq faq-page faq-section frequently-asked-questions
  script: script video-script podcast-script screenplay drehbuch
  review: review product-review book-review rezension
  report: report annual-report essay: essay term-paper aufsatz interview: interview
  manual: user-manual user-guide manual instruction-manual release-notes: release-notes changelog
  meta: meta-description meta-title invitation: invitation einladung
  memo: memo checklist: checklist checkliste obituary: obituary quiz: quiz pitch: pitch elevator-pitch
  bio: biography bio author-bio`

interface Phrase {
  readonly words: ReadonlyArray<string>
  readonly kind: string
}

const phrases: ReadonlyMap<string, ReadonlyArray<Phrase>> = (() => {
  const found = new Map<string, Array<Phrase>>()
  let kind = ""
  for (const item of kinds.trim().split(/\s+/u)) {
    if (item.endsWith(":")) {
      kind = item.slice(0, -1)
      continue
    }
    const joined = { words: [stem(item)], kind }
    const spaced = { words: item.split("-").map(stem), kind }
    for (const phrase of spaced.words.length > 1 ? [joined, spaced] : [joined]) {
      const first = phrase.words[0] ?? ""
      found.set(first, [...found.get(first) ?? [], phrase])
    }
  }
  for (const [first, list] of found) found.set(first, list.toSorted((a, b) => b.words.length - a.words.length))
  return found
})()

/** The longest name of a kind of text that begins at this word. */
export const textKindAt = (wordAt: (index: number) => string | undefined, index: number): Phrase | undefined =>
  phrases.get(wordAt(index) ?? "")?.find(({ words }) => words.every((word, offset) => wordAt(index + offset) === word))
