/** The version of package.json, which a published file cannot import: a test holds the two together. */
export const version = "0.1.0"
