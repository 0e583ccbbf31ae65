import { afterAll, afterEach, beforeAll, jest } from '@jest/globals';
import { Stage } from './kit/stage.js';
import { leaveTests } from './leave.js';
import { peopleTests } from './people.js';
import { serving } from './serving.js';
import { signInTests } from './sign-in.js';

jest.setTimeout(120_000);

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.set();
});
afterEach(() => stage?.clear());
afterAll(() => stage?.strike());

// A file for each screen. One system and one browser serve them all, because starting them takes most of the time.
for (const tests of [serving, signInTests, peopleTests, leaveTests]) tests(() => stage);
