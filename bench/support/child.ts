/** The child's side of `processes.ts`. */
import type { AddressInfo } from "node:net"

/** Tells the parent which port the operating system chose. */
export const report = (address: AddressInfo | string | null): void => {
  if (typeof address === "object" && address !== null) process.send?.({ port: address.port })
}

/** What a child needs to know of the provider. */
export const providerUrl = `${process.env["PROVIDER_URL"] ?? ""}/v1/chat/completions`

// Without its parent a child has no reason to live.
process.on("disconnect", () => process.exit())
