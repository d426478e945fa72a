/** What is asked for: a few subjects often, most of them hardly ever, each in one of its wordings. */
import type { Draw } from "../random/Draws.ts"
import { mostSubjects } from "./Subjects.ts"
import type { PromptModel, Visit } from "./TrafficModel.ts"
import { countOfWordings, wordingAt } from "./Wordings.ts"

/**
 * A function that gives the next prompt and its subject. Each takes three numbers, whatever comes of them: so another
 * share of paraphrases leaves the subjects as they are. A defect for a model of more subjects than there are.
 */
export const promptsOf = (model: PromptModel, draw: Draw): () => Pick<Visit, "prompt" | "subject"> => {
  const nextSubject = zipf(model)
  return () => {
    const subject = nextSubject(draw())
    const isOther = draw() < model.paraphrased
    const which = draw()
    const index = isOther ? 1 + Math.floor(which * (countOfWordings(subject) - 1)) : 0
    return { prompt: wordingAt(subject, index), subject }
  }
}

/**
 * The subject at a place from 0 to below 1 of all requests; 0 is the commonest one. A table of running sums, and a binary
 * search in it.
 */
export const zipf = ({ exponent, subjects }: PromptModel): (place: number) => number => {
  if (!(subjects >= 1 && subjects <= mostSubjects)) {
    throw new RangeError(`A model of ${subjects} subjects: there may be 1 to ${mostSubjects}`)
  }
  const sums = new Float64Array(Math.floor(subjects))
  let sum = 0
  for (let index = 0; index < sums.length; index++) {
    sum += (index + 1) ** -exponent
    sums[index] = sum
  }
  return (place) => {
    const wanted = place * sum
    let low = 0
    let high = sums.length - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if ((sums[middle] ?? Infinity) > wanted) high = middle
      else low = middle + 1
    }
    return low
  }
}
