/** A day in milliseconds. */
export const day = 86_400_000

/** The first and the last day of which seeded rows have times, in milliseconds since 1970. */
export const firstDay = Date.UTC(2024, 0, 8)
export const lastDay = Date.UTC(2026, 5, 30)
