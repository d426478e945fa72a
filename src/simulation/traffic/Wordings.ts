/** How people put what they want: the same wish in many wordings. */
import { type Subject, subjectAt } from "./Subjects.ts"
import type { TextKind } from "./SubjectWords.ts"

/** The first wording of a subject, which most people use. */
export const subjectPrompt = (subject: number): string => wordingAt(subject, 0)

/** All wordings of a subject, the first one first. Some differ in their case or their punctuation only. */
export const wordings = (subject: number): ReadonlyArray<string> => {
  const { angle, thing } = subjectAt(subject)
  return Array.from({ length: countOf({ angle, thing }) }, (_, index) => wordingAt(subject, index))
}

export const countOfWordings = (subject: number): number => countOf(subjectAt(subject))

/** The wordings are not kept: there are too many of them, and a simulation uses but a few. */
export const wordingAt = (subject: number, index: number): string => {
  const { angle, thing } = subjectAt(subject)
  const forms = formsOf[angle.kind]
  const [topic, ...others] = angle.topics
  const form = forms[index]
  if (form !== undefined) return form(topic.replace("*", thing))
  // The other topics of the angle, each in a few of the forms.
  const beyond = index - forms.length
  const otherForm = forms[beyond * 3 % forms.length] ?? bare
  return otherForm((others[Math.floor(beyond / formsOfOthers)] ?? topic).replace("*", thing))
}

/** In so many forms each of the other topics of an angle is put. */
const formsOfOthers = 3

const countOf = ({ angle }: Subject): number => formsOf[angle.kind].length + (angle.topics.length - 1) * formsOfOthers

type Form = (topic: string) => string

const bare: Form = (topic) => capital(topic)

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

const posts: ReadonlyArray<Form> = [
  (topic) => `Write a blog post about ${topic}`,
  (topic) => `Please write a blog post about ${topic}.`,
  (topic) => `write a blog post about ${topic}`.toLowerCase(),
  (topic) => `Please draft an article on ${topic}.`,
  (topic) => `I need a post covering ${topic}`,
  (topic) => `${capital(topic)}: blog post`,
  (topic) => `Can you write something about ${topic}?`,
  (topic) => `blog post about ${topic}`.toLowerCase(),
  (topic) => `Could you put together a short article about ${topic} for our website?`,
  (topic) => `We need an article on ${topic} for next week's issue.`,
  (topic) => `Article about ${topic}, friendly tone, around 600 words`,
  (topic) => `Write a blog post about ${topic}!`,
  (topic) => `I'd like a blog entry about ${topic}, please`,
  (topic) => `Blog post on ${topic}. Keep it simple and avoid jargon.`,
  (topic) => `Hi, we are looking for a piece on ${topic}. Thanks!`,
  (topic) => `Create an engaging blog article on ${topic}`,
  bare,
  (topic) => `Our readers keep asking about ${topic}, can you write us a post?`,
  (topic) => `Topic for today: ${topic}. Please write the article.`
]

const texts = (kind: string): ReadonlyArray<Form> => [
  (topic) => `Write a ${kind} about ${topic}`,
  (topic) => `Please write a ${kind} about ${topic}.`,
  (topic) => `write a ${kind} about ${topic}`.toLowerCase(),
  (topic) => `I need a ${kind} on ${topic}`,
  (topic) => `${capital(kind)}: ${topic}`,
  (topic) => `Can you draft a ${kind} about ${topic}?`,
  (topic) => `${kind} about ${topic}`.toLowerCase(),
  (topic) => `Write a ${kind} about ${topic}!`,
  (topic) => `We need a short ${kind} about ${topic} by Friday.`,
  (topic) => `Could you write us a friendly ${kind} on ${topic}?`
]

const descriptions: ReadonlyArray<Form> = texts("product description").map((form) => (topic) =>
  form(topic).replace(/ (?:about|on) /u, " for ")
)

const formsOf: { readonly [kind in TextKind]: ReadonlyArray<Form> } = {
  post: posts,
  newsletter: texts("newsletter"),
  "press release": texts("press release"),
  "product description": descriptions,
  FAQ: texts("FAQ").map((form) => (topic) => form(topic).replace(/\ba FAQ/u, "an FAQ"))
}
