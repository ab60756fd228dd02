export { SEAL_KEY_BYTES, createByteSeal, createSeal } from './seal.ts';
