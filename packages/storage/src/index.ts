export { createFileDocuments } from './file-documents.ts';
export type { FileDocuments, FileDocumentsOptions } from './file-documents.ts';
export { createFileLines } from './file-lines.ts';
export type { FileLines, FileLinesOptions } from './file-lines.ts';
export { createMemoryDocuments } from './memory-documents.ts';
export { createMemoryCache } from './memory-cache.ts';
export type { MemoryCache, MemoryCacheOptions } from './memory-cache.ts';
export { createMemoryStore } from './store/memory-store.ts';
