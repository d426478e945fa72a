/** `understudy work`: works on the jobs that services on the same database have taken in, and serves nothing. */
import { worker } from "../layers/Worker.ts"
import { launch } from "./launch.ts"

export const work = launch(worker)
