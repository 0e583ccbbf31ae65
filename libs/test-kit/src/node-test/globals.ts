import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { expect } from 'expect';

// The kit's suites use Jest's names and signatures: the timeout in milliseconds is the last argument.
const TIMEOUT_MS = 60_000;

type Work = () => void | Promise<void>;

const test = (name: string, work: Work, timeout = TIMEOUT_MS) => it(name, { timeout }, () => work());
const hook =
  (register: typeof before) =>
  (work: Work, timeout = TIMEOUT_MS) =>
    register(() => work(), { timeout });

Object.assign(globalThis, {
  describe,
  it: test,
  test,
  expect,
  beforeAll: hook(before),
  afterAll: hook(after),
  beforeEach: hook(beforeEach),
  afterEach: hook(afterEach),
});
