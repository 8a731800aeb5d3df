/** What to do when there is no connection: the table of faults, as the commands use it. */
import { ofDetail } from "../internal/faults.ts"

/** True where the host was reached, and TLS is what failed. */
export const isTlsFault = (detail: string): boolean => ofDetail(detail).kind === "tls"

export const connectionAdvice = (detail: string): string => ofDetail(detail).advice
