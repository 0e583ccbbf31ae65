export * from './bench.js';
export * from './behaves-like-a-rule.js';
export * from './completeness.js';
export { crashes } from './crash.js';
export type { RuleExample, Way } from './example.js';
export { overlap } from './overlap.js';
