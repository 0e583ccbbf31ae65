export { TestCollector, type CollectedSpan } from './collector.js';
export { TestService } from './test-service.js';
