// Part of npm run lint: the borders between services, libraries and folders, import cycles, the length of files, and
// who writes the tables of departures.
import { fileURLToPath } from 'node:url';
import { forbiddenImports } from './borders.mjs';
import { strayDepartureWriters } from './departure-writers.mjs';
import { crowded, longFiles } from './sizes.mjs';
import { readSources } from './sources.mjs';

const sources = readSources(fileURLToPath(new URL('../..', import.meta.url)));
const wrong = [...forbiddenImports(sources), ...longFiles(sources), ...strayDepartureWriters(sources)];
const notes = crowded(sources);

if (notes.length > 0)
  console.log(`Worth a look (more than 7 parameters, more than 15 sources):\n  ${notes.join('\n  ')}`);
for (const sentence of wrong) console.error(sentence);
process.exitCode = wrong.length > 0 ? 1 : 0;
