/** Many different prompts for the cache benchmark, and other wordings of each. Deterministic. */

const adjectives =
  "electric vintage organic portable affordable handmade wooden solar urban rural digital ceramic waterproof folding compact ergonomic historic smart silent recycled lightweight heated inflatable magnetic modular striped Danish antique foldable quilted"
    .split(" ")
const things =
  "bicycles kettles greenhouses laptops cameras violins blankets kayaks drones printers candles helmets tents stoves mattresses umbrellas backpacks turntables telescopes beehives fountains benches sheds ovens sweaters notebooks keyboards skis lamps carpets mirrors clocks vases rugs shelves chairs sofas desks hammocks pianos"
    .split(" ")
const places =
  "in Norway,in Brazil,in Kenya,in Japan,for schools,for hospitals,for retirees,for small offices,near the coast,in the mountains,with children,with pets,in winter,in summer,for students,for restaurants,in old houses,for musicians,for libraries,in Portugal,in Canada,in India,for nurses,for farmers,at festivals,in museums,for gyms,in hotels,for pilots,in Vietnam,in Chile,for dentists,for tailors,in Iceland,in Peru,for bakers,in Nepal,for sailors,in Ghana,for plumbers"
    .split(",")
const asks = [
  "Write a blog post about",
  "Draft an article on",
  "Please create a post covering",
  "I need a text about",
  "Can you write an article about",
  "blog post:",
  "Could you please draft a post on"
]

const at = (list: ReadonlyArray<string>, index: number): string => list[index % list.length] ?? ""

/** A different subject for each n below 288,000. */
const subject = (n: number): string => {
  const thing = Math.floor(n / adjectives.length)
  const place = Math.floor(thing / things.length)
  const part = Math.floor(place / places.length)
  return `${at(adjectives, n)} ${at(things, thing)} ${at(places, place)}${part === 0 ? "" : ` in ${2019 + part}`}`
}

/** `wording` 0 to 6: other words for the same wish. */
export const prompt = (n: number, wording: number): string => `${at(asks, n + wording)} ${subject(n)}`

/** About what an editor gets: 2,000 characters. */
export const draft = (n: number): string =>
  `# About ${subject(n)}\n\n${`A paragraph on ${subject(n)} that says one more thing. `.repeat(30)}`.slice(0, 2_000)
