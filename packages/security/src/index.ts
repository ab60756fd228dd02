export { SEAL_KEY_BYTES, createSeal } from './seal.ts';
