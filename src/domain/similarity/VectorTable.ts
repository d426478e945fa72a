/**
 * Vectors of equal length, kept column by column: all first numbers, then all second ones. What is compared with all of
 * them looks at the columns where it is not zero, a quarter of those of a text, and reads each from one end to the other.
 */

export interface VectorTable {
  /** Its place, until it is removed. */
  readonly add: (vector: Float32Array) => number
  readonly remove: (place: number) => void
  /** The cosines with all of them, by place; what stands at a place without a vector means nothing. Overwritten by the next call. */
  readonly similarities: (vector: Float32Array) => Float64Array
}

const firstCapacity = 8

export const makeVectorTable = (dimensions: number): VectorTable => {
  let capacity = firstCapacity
  let columns = new Float32Array(dimensions * capacity)
  let sums = new Float64Array(capacity)
  const free: Array<number> = []
  /** Places that were ever used. */
  let used = 0

  const grow = () => {
    const wider = new Float32Array(dimensions * capacity * 2)
    for (let column = 0; column < dimensions; column++) {
      wider.set(columns.subarray(column * capacity, (column + 1) * capacity), column * capacity * 2)
    }
    columns = wider
    capacity *= 2
    sums = new Float64Array(capacity)
  }

  return {
    add: (vector) => {
      const place = free.pop() ?? used++
      if (place >= capacity) grow()
      for (let column = 0; column < dimensions; column++) columns[column * capacity + place] = vector[column] ?? 0
      return place
    },
    remove: (place) => void free.push(place),
    similarities: (vector) => {
      sums.fill(0)
      for (let column = 0; column < dimensions; column++) {
        const factor = vector[column] ?? 0
        if (factor === 0) continue
        const begin = column * capacity
        for (let place = 0; place < used; place++) {
          sums[place] = (sums[place] ?? 0) + (columns[begin + place] ?? 0) * factor
        }
      }
      return sums
    }
  }
}
