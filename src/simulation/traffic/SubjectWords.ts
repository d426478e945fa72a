/** What the users of the simulator write about, and what they want to know of it: data. */

/** The most popular first. Some are neighbours on purpose: electric cars, electric bikes. */
export const things: ReadonlyArray<string> = `
  remote work | electric cars | meal planning | indoor plants | home office furniture | sourdough bread | solar panels
  | yoga | email marketing | podcasting | electric bikes | budget travel | dog training | cold brew coffee
  | intermittent fasting | video meetings | search engine optimisation | vegetable gardening | online courses | camping
  | time management | smart thermostats | wild swimming | freelancing | heat pumps | password managers | cat training
  | trail running | interior painting | craft beer | social media advertising | balcony gardening | wedding photography
  | meditation | home insulation | car sharing | strength training | open source software | espresso | beekeeping
  | landscape photography | cloud backups | second-hand clothing | customer surveys | bouldering | language learning
  | wood stoves | vegan baking | public speaking | cargo bikes | pension funds | knitting | rainwater harvesting
  | project management software | house swapping | marathon running | home brewing | content marketing | van life | piano lessons
  | board games | induction cookers | travel insurance | composting | virtual reality | minimalism | guitar lessons
  | electric scooters | student loans | robot vacuum cleaners | mountain biking | letterpress printing | kombucha
  | fly fishing | data protection | street photography | tiny houses | team retreats | sleep tracking | bread machines
  | watercolour painting | index funds | birdwatching | 3D printing | green roofs | chess | ice bathing | crowdfunding
  | kayaking | zero-waste shopping | oil painting | home schooling | wood carving | air fryers | two-factor authentication
  | ski touring | lawn care | pottery | night trains | job sharing | carbon offsetting | paper planners | cheese making
  | rock climbing | plant-based milk | cross-country skiing | online dating | kitchen knives | bicycle commuting
  | house cleaning | natural swimming pools | mobile payments | flower arranging | stargazing | fermented vegetables
  | horse riding | contact lenses | wine tasting | volunteer work | genealogy | electric guitars | mushroom picking
  | standing desks | pet insurance | choir singing | drone photography | battery storage | archery | first aid courses
  | digital calendars | barefoot shoes | community gardens | slow cookers | sailing | origami | noise-cancelling headphones
  | leather care | rooftop terraces | sign language | model railways | hydroponics | speed reading | greenhouse heating
  | calligraphy | bookbinding | cold frames | geocaching | ballroom dancing | dry stone walls | metal detecting
  | inflatable boats | soap making | letter writing | candle making
`.trim().split("|").map((thing) => thing.trim())

/** The kind of text: a post unless something else is asked for by name. */
export type TextKind = "post" | "newsletter" | "press release" | "product description" | "FAQ"

/** One thing that may be wanted of any of the things. */
export interface Angle {
  readonly kind: TextKind
  /** The same wish in several words, the usual ones first; `*` is the thing. */
  readonly topics: readonly [string, ...ReadonlyArray<string>]
}

const post = (topic: string, ...others: ReadonlyArray<string>): Angle => ({ kind: "post", topics: [topic, ...others] })
const other = (kind: TextKind, topic: string): Angle => ({ kind, topics: [topic] })

/** The most wanted first. What a cache must not mix up stands together, so that it is about equally popular. */
const general: ReadonlyArray<Angle> = [
  post("*"),
  post("the benefits of *", "the advantages of *", "what is good about *"),
  post("the risks of *", "the dangers of *"),
  post("* for beginners", "* for complete beginners", "a beginner's guide to *"),
  post("* for professionals", "* for pros"),
  post("5 tips for *", "five tips for *", "my 5 best tips for *"),
  post("10 tips for *", "ten tips for *"),
  other("newsletter", "*"),
  post("common mistakes with *", "typical mistakes with *", "mistakes to avoid with *"),
  post("the cost of *", "what you pay for *", "the price of *"),
  post("how to get started with *", "getting started with *", "the first steps with *"),
  post("how to give up *", "giving up *"),
  post("* in Norway"),
  post("* in Portugal"),
  post("why you should try *", "reasons to try *"),
  post("why you should not try *", "why you shouldn't try *"),
  other("press release", "*"),
  post("* in summer", "* in the summer months"),
  post("* in winter", "* in the winter months"),
  post("the history of *", "the origins of *", "a short history of *"),
  post("the future of *", "what the future holds for *"),
  other("product description", "a starter kit for *"),
  post("* with a budget of 100 euros", "* on a budget of 100 euros"),
  post("* with a budget of 1,000 euros", "* on a budget of 1000 euros"),
  post("myths about *", "popular myths about *"),
  post("the science behind *", "what science says about *"),
  other("FAQ", "*"),
  post("the trends of 2025 in *", "* trends in 2025"),
  post("the trends of 2026 in *", "* trends in 2026"),
  post("alternatives to *", "what to choose instead of *")
]

const audiences = [
  "families",
  "seniors",
  "students",
  "small businesses",
  "nurses",
  "teenagers",
  "couples",
  "shift workers",
  "teachers",
  "busy parents"
]

const places = [
  "Brazil",
  "Canada",
  "Scotland",
  "Ireland",
  "Berlin",
  "London",
  "New Zealand",
  "Japan",
  "Austria",
  "Sweden",
  "Lisbon",
  "Chicago"
]

/** `*` as before; `+` is an audience or a place with its preposition. */
const particular: ReadonlyArray<readonly [string, ...ReadonlyArray<string>]> = [
  ["* +"],
  ["the benefits of * +", "the advantages of * +"],
  ["the risks of * +", "the dangers of * +"],
  ["the cost of * +", "what you pay for * +"],
  ["7 tips for * +", "seven tips for * +"]
]

const particularAngles: ReadonlyArray<Angle> = [
  ...audiences.map((audience) => `for ${audience}`),
  ...places.map((place) => `in ${place}`)
].flatMap((whom) =>
  particular.map(([topic, ...others]) =>
    post(topic.replace("+", whom), ...others.map((other) => other.replace("+", whom)))
  )
)

export const angles: ReadonlyArray<Angle> = [
  ...general,
  ...particularAngles,
  // The guard takes "the best" for asking (docs/similarity.md): an honest simulation has such a subject too.
  post("the best *")
]
