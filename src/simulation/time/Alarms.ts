/** What is to happen at which moment: a binary heap. Of those of the same moment, what was set first happens first. */

export interface Alarm {
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly ring: () => void
  /** Of all that were ever set. */
  readonly order: number
  isCanceled: boolean
}

export interface Alarms {
  readonly set: (at: number, ring: () => void) => Alarm
  readonly cancel: (alarm: Alarm) => void
  /** When the earliest one is to ring; none: nobody waits for any moment. */
  readonly nextAt: () => number | undefined
  /** Takes it out. */
  readonly next: () => Alarm | undefined
}

/** Canceled ones stay where they are until they come up, or are most of all. */
export const makeAlarms = (): Alarms => {
  let heap: Array<Alarm> = []
  let order = 0
  let canceled = 0

  const push = (alarm: Alarm) => {
    let index = heap.length
    while (index > 0) {
      const parent = (index - 1) >> 1
      const above = heap[parent]
      if (above === undefined || !isBefore(alarm, above)) break
      heap[index] = above
      index = parent
    }
    heap[index] = alarm
  }

  const pop = (): Alarm | undefined => {
    const first = heap[0]
    const last = heap.pop()
    if (first === undefined || last === undefined || heap.length === 0) return first
    let index = 0
    for (;;) {
      const left = 2 * index + 1
      const [a, b] = [heap[left], heap[left + 1]]
      const child = a !== undefined && b !== undefined && isBefore(b, a) ? b : a
      if (child === undefined || !isBefore(child, last)) break
      heap[index] = child
      index = child === a ? left : left + 1
    }
    heap[index] = last
    return first
  }

  const sweep = () => {
    const kept = heap.filter(({ isCanceled }) => !isCanceled)
    heap = []
    canceled = 0
    for (const alarm of kept) push(alarm)
  }

  /** Those that come up first. */
  const dropCanceled = () => {
    while (heap[0]?.isCanceled === true) {
      pop()
      canceled--
    }
  }

  return {
    set: (at, ring) => {
      const alarm = { at, ring, order: order++, isCanceled: false }
      push(alarm)
      return alarm
    },
    cancel: (alarm) => {
      if (alarm.isCanceled) return
      alarm.isCanceled = true
      canceled++
      if (canceled > 1_000 && canceled > heap.length / 2) sweep()
    },
    nextAt: () => {
      dropCanceled()
      return heap[0]?.at
    },
    next: () => {
      dropCanceled()
      const alarm = pop()
      // Whoever wakes from it may cancel it still.
      if (alarm !== undefined) alarm.isCanceled = true
      return alarm
    }
  }
}

const isBefore = (a: Alarm, b: Alarm): boolean => a.at < b.at || (a.at === b.at && a.order < b.order)
