export { TestCollector, type CollectedSpan } from './collector.js';
export { IdentityStandIn } from './identity-stand-in.js';
export { TestService } from './test-service.js';
