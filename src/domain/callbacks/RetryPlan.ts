export const nextCallbackIn = (attempts: number, random: number, retryAfterMillis = 0): number | undefined =>
  attempts > 8 ? undefined : Math.max(retryAfterMillis, 5_000 * 4 ** (attempts - 1) * (1 + random / 5))
