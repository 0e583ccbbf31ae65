/** @import { HttpClient } from '../http-client.mjs' */
import { pipeline } from 'node:stream/promises';

/**
 * Writes a file of the API to standard output.
 * @param {HttpClient} api
 * @param {string} path
 */
export const printFile = async (api, path) => pipeline(await api.download(path), process.stdout, { end: false });
