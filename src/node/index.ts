/**
 * What needs Node.js itself: the second place beside `effect-erpnet/testing` where `node:` modules are imported.
 *
 * @since 0.2.0
 */
export {}
