import everywhere from '../../jest.config.js';

const { globalSetup: _setup, globalTeardown: _teardown, ...shared } = everywhere;

/** The tests of the containers bring databases and a broker of their own, in containers. */
export default {
  ...shared,
  rootDir: '../..',
  roots: ['<rootDir>/e2e/deploy'],
  testRegex: '\\.e2e\\.ts$',
  maxWorkers: 1,
};
