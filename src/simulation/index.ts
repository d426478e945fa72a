/** For tests and simulations of whoever builds on Understudy: time, provider, traffic and scenarios. */
export { onVirtualTime, type VirtualTimeOptions } from "./time/VirtualTime.ts"
