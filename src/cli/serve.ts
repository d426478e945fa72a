/** `understudy serve`: reads the configuration, and serves until the process is asked to stop. */
import { server } from "../layers/App.ts"
import { launch } from "./launch.ts"

export const serve = launch(server)
