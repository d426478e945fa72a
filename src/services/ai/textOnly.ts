/** What a provider says to a conversation that it could not answer whole. */
import type { AiRequest } from "../../domain/Ai.ts"

export const refusesBeyondText = ({ chat }: AiRequest): string | undefined =>
  chat === undefined || chat.isTextOnly
    ? undefined
    : "this provider takes text only: leave out tools, images, structured output and the like"
