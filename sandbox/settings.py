"""What Telegram tells every client about itself."""

from __future__ import annotations

from typing import Any

from .posting import MAX_CAPTION_UNITS, MAX_TEXT_UNITS
from .rpc import Call, method
from .tl import types

FIRST_DC = 2  # where every new client begins
ALL_DCS = range(1, 6)  # all of them are we


@method("help.GetConfig")
def get_config(call: Call, query: Any) -> Any:
    """The limits, and where the data centres are."""
    now, home = call.telegram.date(), call.telegram.dc_id
    return types.Config(
        date=now,
        expires=now + 3600,
        test_mode=False,
        this_dc=home,
        dc_options=[types.DcOption(id=dc, ip_address=call.telegram.host, port=call.telegram.port) for dc in ALL_DCS],
        dc_txt_domain_name="",
        caption_length_max=MAX_CAPTION_UNITS,
        message_length_max=MAX_TEXT_UNITS,
        me_url_prefix="https://t.me/",
        webfile_dc_id=home,
        **OTHER_LIMITS,
    )


OTHER_LIMITS = {  # as Telegram sends them; nothing here depends on them
    "chat_size_max": 200,
    "megagroup_size_max": 200_000,
    "forwarded_count_max": 100,
    "online_update_period_ms": 210_000,
    "offline_blur_timeout_ms": 5_000,
    "offline_idle_timeout_ms": 30_000,
    "online_cloud_timeout_ms": 300_000,
    "notify_cloud_delay_ms": 30_000,
    "notify_default_delay_ms": 1_500,
    "push_chat_period_ms": 60_000,
    "push_chat_limit": 2,
    "edit_time_limit": 172_800,
    "revoke_time_limit": 2_147_483_647,
    "revoke_pm_time_limit": 2_147_483_647,
    "rating_e_decay": 2_419_200,
    "stickers_recent_limit": 200,
    "channels_read_media_period": 604_800,
    "call_receive_timeout_ms": 20_000,
    "call_ring_timeout_ms": 90_000,
    "call_connect_timeout_ms": 30_000,
    "call_packet_timeout_ms": 10_000,
}
