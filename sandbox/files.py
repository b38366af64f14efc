"""Uploads and downloads in parts, and the references that expire."""

from __future__ import annotations

import struct
import time
from typing import Any

from .rpc import Call, method
from .tl import BoolResult, RpcError, types
from .world import Document

MAX_PART_BYTES = 512 * 1024
MAX_DOWNLOAD_BYTES = 1024 * 1024
DOWNLOAD_STEP_BYTES = 4096  # offset and limit have to be multiples of it


@method("upload.SaveFilePart", "upload.SaveBigFilePart")
def save_file_part(call: Call, query: Any) -> Any:
    """Keep one part of a file until a message uses it."""
    if len(query.bytes) > MAX_PART_BYTES:
        raise RpcError(400, "FILE_PART_TOO_BIG")
    parts = call.telegram.uploads.setdefault((call.account.id, query.file_id), {})
    parts[query.file_part] = query.bytes
    return BoolResult(True)


@method("upload.GetFile")
def get_file(call: Call, query: Any) -> Any:
    """One part of a file."""
    if query.offset % DOWNLOAD_STEP_BYTES or query.limit % DOWNLOAD_STEP_BYTES or query.limit > MAX_DOWNLOAD_BYTES:
        raise RpcError(400, "LIMIT_INVALID")
    data = _document(call, query.location).data
    if rule := call.telegram.faults.take("truncate", account_id=call.account.id):
        data = data[: rule.keep_bytes]
    part = data[query.offset : query.offset + query.limit]
    return types.upload.File(type=types.storage.FilePartial(), mtime=0, bytes=part)


def document_from(call: Call, media: Any) -> Document:
    """The file of an outgoing message: freshly uploaded, or sent again."""
    if isinstance(media, types.InputMediaDocument):
        return _document(call, media.id)
    parts = call.telegram.uploads.get((call.account.id, media.file.id), {})
    for number in range(media.file.parts):
        if number not in parts:
            raise RpcError(400, f"FILE_PART_{number}_MISSING")
    del call.telegram.uploads[call.account.id, media.file.id]
    data = b"".join(part for _, part in sorted(parts.items()))
    return call.telegram.store(data, media.mime_type, media.attributes)


def _document(call: Call, location: Any) -> Document:
    document = call.world.documents.get(getattr(location, "id", 0))
    if document is None:
        raise RpcError(400, "FILE_ID_INVALID")
    if location.access_hash != call.world.access_hash(call.account.id, document.id):
        raise RpcError(400, "LOCATION_INVALID")
    _check_reference(call, location.file_reference)
    return document


def _check_reference(call: Call, reference: bytes) -> None:
    if len(reference) != struct.calcsize(">Id"):
        raise RpcError(400, "FILE_REFERENCE_INVALID")
    epoch, issued = struct.unpack(">Id", reference)
    lifetime_s = call.telegram.file_reference_lifetime_s
    if epoch != call.world.reference_epochs.get(call.account.id, 0) or (
        lifetime_s is not None and time.time() - issued > lifetime_s
    ):
        raise RpcError(400, "FILE_REFERENCE_EXPIRED")
