/** Conversations that some providers cannot be asked. */
import type { Chat } from "./Chat.ts"
import { AiRejected } from "./errors.ts"

/** It has or asks for more than one text. */
export const isBeyondText = ({ chat }: { readonly chat?: Chat | undefined }): boolean =>
  chat !== undefined && !chat.isTextOnly

/** What its asker hears when no provider can be asked it. */
export const beyondText = (provider: string): AiRejected =>
  new AiRejected({
    provider,
    status: 400,
    message: "this provider takes text only: leave out tools, images, structured output and the like"
  })
