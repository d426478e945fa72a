/**
 * Who waits, and who is next: first in, first out within a namespace, in turn between namespaces, so that one busy
 * site cannot starve the others. Deterministic; entering, leaving and serving take constant time.
 */

/** A place in the room; whoever holds it can leave before being served. */
export interface Place<A> {
  readonly value: A
  readonly namespace: string
}

interface Seat<A> extends Place<A> {
  readonly weight: number
  readonly line: Line<A>
  previous: Seat<A> | undefined
  next: Seat<A> | undefined
}

interface Line<A> {
  readonly namespace: string
  size: number
  first: Seat<A> | undefined
  last: Seat<A> | undefined
}

export class WaitingRoom<A> {
  /** The namespaces that wait, in the order of their turns: who was served goes to the end. */
  readonly #turns = new Map<string, Line<A>>()
  readonly #seats = new Map<Place<A>, Seat<A>>()
  #weight = 0

  get size(): number {
    return this.#seats.size
  }

  /** What `count` of those in the room weigh, at their average. */
  weightOf(count: number): number {
    return this.size === 0 ? 0 : this.#weight * count / this.size
  }

  enter(namespace: string, value: A, weight = 0): Place<A> {
    let line = this.#turns.get(namespace)
    if (line === undefined) {
      line = { namespace, size: 0, first: undefined, last: undefined }
      this.#turns.set(namespace, line)
    }
    const seat: Seat<A> = { value, namespace, weight, line, previous: line.last, next: undefined }
    if (line.last === undefined) line.first = seat
    else line.last.next = seat
    line.last = seat
    line.size += 1
    this.#seats.set(seat, seat)
    this.#weight += weight
    return seat
  }

  /** Answers whether the place was still taken. */
  leave(place: Place<A>): boolean {
    const seat = this.#seats.get(place)
    if (seat === undefined) return false
    this.#seats.delete(place)
    this.#weight -= seat.weight
    const { line, next, previous } = seat
    if (previous === undefined) line.first = next
    else previous.next = next
    if (next === undefined) line.last = previous
    else next.previous = previous
    line.size -= 1
    if (line.size === 0) this.#turns.delete(line.namespace)
    return true
  }

  /** Whose turn it is; nobody is served by looking. */
  peek(): Place<A> | undefined {
    for (const line of this.#turns.values()) return line.first
    return undefined
  }

  /** Serves whose turn it is. */
  shift(): Place<A> | undefined {
    const place = this.peek()
    if (place === undefined) return undefined
    const line = this.#turns.get(place.namespace)
    this.leave(place)
    if (line !== undefined && line.size > 0) {
      this.#turns.delete(line.namespace)
      this.#turns.set(line.namespace, line)
    }
    return place
  }

  /** How many would be served before one of this namespace who entered now, if nobody else came. */
  ahead(namespace: string): number {
    const own = this.#turns.get(namespace)?.size ?? 0
    let count = own
    let isBefore = true
    for (const line of this.#turns.values()) {
      if (line.namespace === namespace) isBefore = false
      else count += Math.min(line.size, own + (isBefore ? 1 : 0))
    }
    return count
  }

  /**
   * Who has to give way when somebody of this namespace comes and the room is full: the last of the namespace that
   * fills it most. Nobody, when the newcomer's would be left with as many places as that one.
   */
  crowder(namespace: string): Place<A> | undefined {
    const longest = this.#longest()
    const own = this.#turns.get(namespace)?.size ?? 0
    return longest !== undefined && own + 1 < longest.size ? longest.last : undefined
  }

  /** The last of the namespace that fills the room most. */
  last(): Place<A> | undefined {
    return this.#longest()?.last
  }

  #longest(): Line<A> | undefined {
    let longest: Line<A> | undefined
    for (const line of this.#turns.values()) {
      if (longest === undefined || line.size > longest.size) longest = line
    }
    return longest
  }
}
