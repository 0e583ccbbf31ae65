export { BadFile } from './bad-file.js';
export { readRecords } from './records.js';
export { plainTitle, Titles } from './titles.js';
export { readCells, type Cell } from './cells.js';
export { csvLine } from './lines.js';
