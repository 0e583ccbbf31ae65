export { TestCollector, type CollectedSpan } from './collector.js';
export { IdentityStandIn } from './identity-stand-in.js';
export { clientOf, signerOf, TestCalls } from './test-calls.js';
export { TokenIssuer } from './token-issuer.js';
export { TestService } from './test-service.js';
export { wakeOnAdvance } from './wake-on-advance.js';
export { handsOver, type Cast as HandoverCast, type HandedOver } from './hands-over.js';
